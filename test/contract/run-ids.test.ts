/** Whose run id is known: that of the process at the other end of this very connection, asked until it is told. */

import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectForCommands, type RedisConnection } from '../../src/adapters/redis/connections.ts';
import { RunIds } from '../../src/adapters/redis/nodes.ts';
import { runIdOf } from '../support/append.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';

let server: RedisServer;
let control: Redis;
let redis: RedisConnection;

beforeEach(async () => {
  server = await startRedis();
  control = new Redis(server.url);
  control.on('error', () => {});
});
afterEach(async () => {
  for (const connection of [control, redis]) connection.disconnect();
  await server.stop();
});

function open(): RunIds {
  redis = connectForCommands({ kind: 'standalone', url: server.url }, pino({ level: 'silent' }));
  return new RunIds(redis);
}

test('another process at the same address has another', async () => {
  const runIds = open();
  const first = await runIdOf(control);
  await expect.poll(() => runIds.of('key')).toBe(first);
  await server.kill();
  await expect.poll(() => runIds.of('key')).toBeUndefined();
  await server.restart();
  await expect.poll(() => runIds.of('key')).toMatch(/^\w+$/);
  expect(runIds.of('key')).toBe(await runIdOf(control));
  expect(runIds.of('key')).not.toBe(first);
});

test('one that was not reported is asked for again, on the same connection', async () => {
  await control.call('ACL', 'SETUSER', 'default', '-info');
  const runIds = open();
  await expect.poll(() => redis.status).toBe('ready');
  await expect.poll(() => deniedInfos()).toBeGreaterThan(1);
  expect(runIds.of('key')).toBeUndefined();
  await control.call('ACL', 'SETUSER', 'default', '+info');
  await expect.poll(() => runIds.of('key')).toBe(await runIdOf(control));
});

/** How often INFO was refused: to the connection's own check, and to the question for the id. */
async function deniedInfos(): Promise<number> {
  const stats = String(await control.call('ACL', 'LOG'));
  return Number(/count,(\d+)/.exec(stats)?.[1] ?? 0);
}
