/** Redis is away: the log and each answer name the part that needed it, and the log where Redis is, without a password. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { admin } from '../../../support/admin.ts';
import {
  type CarillonProcess,
  isReady,
  JWT_SECRET,
  startCarillon,
  tokenFor,
} from '../../../support/carillon.ts';
import { type RedisServer, startRedis } from '../../../support/redis.ts';
import { freshVhost } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

const PASSWORD = 'never-in-a-log';

let redis: RedisServer;
let carillon: CarillonProcess;
beforeAll(async () => {
  redis = await startRedis();
  const operator = new Redis(redis.url);
  await operator.call('ACL', 'SETUSER', 'app', 'on', `>${PASSWORD}`, '~*', '&*', '+@all');
  operator.disconnect();
  carillon = await startCarillon({
    AMQP_URL: await freshVhost(),
    REDIS_URL: `redis://app:${PASSWORD}@127.0.0.1:${redis.port}`,
    JWT_SECRET,
  });
});
afterAll(async () => {
  await carillon?.stop();
  await redis?.stop();
});

const lineSchema = z.looseObject({ msg: z.string() });
const lines = (msg: string) =>
  carillon.output
    .filter((line) => line.startsWith('{'))
    .map((line) => lineSchema.parse(JSON.parse(line)))
    .filter((line) => line.msg === msg);

/** The log is written a little later. */
const isLogged = (msg: string, part: string) =>
  until(`the log to say "${msg}" of ${part}`, 20_000, () => lines(msg).some((line) => line.part === part));

test('the parts are named', async () => {
  await redis.stop();
  await until('Redis to be away', 20_000, async () => !(await isReady(carillon)));
  await until('both connections to be gone', 20_000, () => lines('Redis is away').length === 2);
  const address = `127.0.0.1:${redis.port}`;
  expect(lines('Redis is away')).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        connection: 'commands',
        address,
        parts: [
          'appends',
          'inbox',
          'marks',
          'feeds',
          'presence',
          'departments',
          'outcomes',
          'admin commands',
          'revocations',
        ],
      }),
      expect.objectContaining({
        connection: 'subscriptions',
        address,
        parts: ['live messages', 'admin commands', 'revocations'],
      }),
    ]),
  );

  for (const [method, path, part] of [
    ['GET', 'users/ada/sessions', 'presence'],
    ['GET', 'users/ada/departments', 'departments'],
  ] as const) {
    const { status, answer } = await admin(carillon, method, path);
    expect([status, answer]).toEqual([
      503,
      expect.objectContaining({ detail: expect.stringContaining(part) }),
    ]);
    await isLogged('Redis not reached', part);
  }
  expect((await admin(carillon, 'POST', 'users/ada/disconnect')).status).toBe(503);
  await isLogged('admin command not kept', 'admin commands');
  expect((await admin(carillon, 'GET', 'explain?event=1&user=ada')).status).toBe(503);
  await isLogged('nothing could be asked', 'explain');
  const inbox = await fetch(`${carillon.url}/v1/inbox`, {
    headers: { authorization: `Bearer ${await tokenFor('ada')}` },
  });
  expect(inbox.status).toBe(503);
  await isLogged('inbox not reached', 'inbox');
  expect(carillon.output.join('\n')).not.toContain(PASSWORD);
});
