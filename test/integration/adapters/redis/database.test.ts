/** A Redis database that cannot be selected: nothing is done in another one, and readiness says why. */
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type CarillonProcess, isReady, JWT_SECRET, spawnCarillon } from '../../../support/carillon.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { type RedisServer, redisDatabases, startRedis } from '../../../support/redis.ts';
import { freshVhost } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

const WAIT_MS = 60_000;

let redis: RedisServer;
let control: Redis;
let amqpUrl: string;
let producer: Producer;
let carillon: CarillonProcess | undefined;

beforeAll(async () => {
  redis = await startRedis();
  control = new Redis(redis.url);
  amqpUrl = await freshVhost();
  producer = new Producer(amqpUrl);
});
afterEach(async () => {
  await carillon?.stop();
  await control.flushall();
});
afterAll(async () => {
  await producer.close();
  control.disconnect();
  await redis.stop();
});

async function reasons(): Promise<Record<string, string | undefined>> {
  const response = await fetch(`${carillon?.opsUrl}/health/ready`).catch(() => undefined);
  const report: unknown = await response?.json();
  if (typeof report !== 'object' || report === null || !('parts' in report)) return {};
  const parts = Object.entries(report.parts ?? {});
  return Object.fromEntries(parts.map(([name, part]) => [name, part.reason]));
}

/** Both connections have tried, and said what came of it. */
async function isRefused(reason: RegExp): Promise<void> {
  await until('both connections to be refused', WAIT_MS, async () => {
    const { redis: commands = '', redis_subscriptions: subscriptions = '' } = await reasons();
    return reason.test(commands) && reason.test(subscriptions);
  });
}

async function start(user: string, database: number): Promise<void> {
  const REDIS_URL = `redis://${user}127.0.0.1:${redis.port}/${database}`;
  carillon = await spawnCarillon({ AMQP_URL: amqpUrl, REDIS_URL, JWT_SECRET, CANARY_SECONDS: '1' });
}

/** What others than this test have asked Redis for since the statistics began. */
async function commandsAsked(): Promise<string[]> {
  const text = await control.info('commandstats');
  return Array.from(text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm), ([, name = '']) => name);
}

test('a number that Redis does not have: not ready, and nothing is sent behind the refusal', async () => {
  await control.config('RESETSTAT');
  await start('', redisDatabases);
  await producer.publish(madeEvent('out-of-range', { audience: 'user:bob' }));
  await isRefused(new RegExp(`^cannot select database ${redisDatabases}: ERR`));
  const asked = await commandsAsked();
  expect(asked).toContain('select');
  const handshake = /^(select|hello|auth|client\|setinfo|info|config\|resetstat)$/;
  expect(asked.filter((name) => !handshake.test(name))).toEqual([]);
  expect(await control.dbsize()).toBe(0);
  await expect.poll(() => carillon?.output.join('\n')).toContain(`cannot select database ${redisDatabases}`);
});

test('a user without the right, at the start and when it is taken away: all goes on once it is given', async () => {
  const right = (sign: string) =>
    control.call('ACL', 'SETUSER', 'c', 'on', '>pw', '~*', '&*', '+@all', `${sign}select`);
  await right('-');
  await start('c:pw@', 3);
  await isRefused(/^cannot select database 3: NOPERM/);
  await right('+');
  await until('readiness', WAIT_MS, async () => carillon !== undefined && (await isReady(carillon)));

  await right('-');
  await control.call('CLIENT', 'KILL', 'USER', 'c');
  await isRefused(/^cannot select database 3: NOPERM/);
  await producer.publish(madeEvent('kept', { audience: 'user:ada' }));
  await isRefused(/^cannot select database 3: NOPERM/);
  expect(await control.dbsize()).toBe(0);

  await right('+');
  await control.select(3);
  const length = () => control.xlen('carillon:{user:ada}:log');
  await until('the event to be appended', WAIT_MS, async () => (await length()) > 0);
  expect(await length()).toBe(1);
  await control.select(0);
  expect(await control.dbsize()).toBe(0);
});
