/**
 * Links to Redis that let little through: everything still arrives, once and in order, without being sent again and
 * again; and a link that brings nothing at all makes the process not ready, with the leg's name.
 */
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../support/carillon.ts';
import { Checker, flawless } from '../support/checker.ts';
import { connectClient } from '../support/client.ts';
import { Producer } from '../support/producer.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { freshVhost } from '../support/servers.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { TrackingClient } from '../support/tracking-client.ts';
import { until } from '../support/until.ts';

const WAIT_MS = 45_000;
// Longer than it waits twice.
vi.setConfig({ testTimeout: 150_000 });

const EVENT_BYTES = 60_000;
const data = { text: 'x'.repeat(EVENT_BYTES) };

let redis: RedisServer;
let control: Redis;
let producer: Producer;
let consumer: CarillonProcess;
let gateway: CarillonProcess;
/** What each has between itself and Redis. */
let ofConsumer: TcpProxy;
let ofGateway: TcpProxy;

beforeAll(async () => {
  redis = await startRedis();
  control = new Redis(redis.url);
  const amqpUrl = await freshVhost();
  producer = new Producer(amqpUrl);
  [ofConsumer, ofGateway] = await Promise.all([startTcpProxy(redis.port), startTcpProxy(redis.port)]);
  const start = (role: string, { port }: TcpProxy, user = '') =>
    startCarillon({
      AMQP_URL: amqpUrl,
      REDIS_URL: `redis://${user}127.0.0.1:${port}`,
      JWT_SECRET,
      ROLES: role,
      FEED_CHECK_SECONDS: '1',
    });
  await control.call('ACL', 'SETUSER', 'gateway', 'on', '>pw', '~*', '&*', '+@all');
  [consumer, gateway] = await Promise.all([
    start('consumer', ofConsumer),
    start('gateway', ofGateway, 'gateway:pw@'),
  ]);
});
afterEach(() => {
  ofConsumer.heal();
  ofGateway.heal();
});
afterAll(async () => {
  await Promise.all([consumer.stop(), gateway.stop()]);
  await producer.close();
  control.disconnect();
  await Promise.all([ofConsumer.close(), ofGateway.close()]);
  await redis.stop();
});

async function partOf({ opsUrl }: CarillonProcess, part: string): Promise<unknown> {
  const report: unknown = await (await fetch(`${opsUrl}/health/ready`)).json();
  const parts = typeof report === 'object' && report !== null && 'parts' in report ? report.parts : undefined;
  return Object.entries(parts ?? {}).find(([name]) => name === part)?.[1];
}

async function idsInLog(audience: string): Promise<string[]> {
  const rows = await control.xrange(`carillon:{${audience}}:log`, '-', '+');
  return rows.map(([, fields]): string => JSON.parse(fields[1] ?? '{}').id);
}

test.each([
  ['one after the other for one user', 1, 30],
  ['to many users at the same time', 30, 1],
])('appends over a slow link, %s: each once, and hardly a byte twice', async (name, users, each) => {
  const audiences = Array.from({ length: users }, (_, i) => `user:${name.slice(0, 2)}-${i}`);
  const checker = new Checker();
  const events = audiences.flatMap((one) => Array.from({ length: each }, () => checker.next(one, { data })));
  ofConsumer.limit(700_000, 'toServer');
  const before = ofConsumer.bytes('toServer');
  await producer.publish(...events);
  const seen = async () =>
    await Promise.all(audiences.map(async (audience) => ({ audience, ids: await idsInLog(audience) })));
  const count = async () => (await seen()).reduce((sum, { ids }) => sum + ids.length, 0);
  await until(`${events.length} events in the logs`, WAIT_MS, async () => (await count()) >= events.length);
  expect(checker.judge(await seen())).toEqual(flawless(events.length));
  expect(ofConsumer.bytes('toServer') - before).toBeLessThan(2 * events.length * EVENT_BYTES);
});

test('a link so slow that a single event takes seconds: each once', async () => {
  const checker = new Checker();
  const events = Array.from({ length: 3 }, () => checker.next('user:slowest', { data }));
  ofConsumer.limit(25_000, 'toServer');
  await producer.publish(...events);
  const ids = () => idsInLog('user:slowest');
  await until('all in the log', WAIT_MS, async () => (await ids()).length >= events.length);
  expect(checker.judge([{ audience: 'user:slowest', ids: await ids() }])).toEqual(flawless(3));
});

test('a device that comes back over a slow link gets all that it missed', async () => {
  const checker = new Checker();
  const client = new TrackingClient([gateway.url], await tokenFor('back'));
  await client.begun(1);
  client.leave();
  const events = Array.from({ length: 14 }, () => checker.next('user:back', { data }));
  await producer.publish(...events);
  await until('all in the log', WAIT_MS, async () => (await idsInLog('user:back')).length === events.length);
  ofGateway.limit(300_000, 'toClient');
  client.connect();
  await client.saw('user:back', events.length);
  expect(checker.judge([{ audience: 'user:back', ids: client.seen('user:back') }])).toEqual(flawless(14));
  client.close();
});

test('a device that stays gets what Pub/Sub lost, over a slow link', async () => {
  const checker = new Checker();
  const client = connectClient(gateway.url, await tokenFor('stay'));
  await client.session();
  const events = Array.from({ length: 14 }, () => checker.next('user:stay', { data }));
  ofGateway.blackHole();
  await producer.publish(...events);
  await until('all in the log', WAIT_MS, async () => (await idsInLog('user:stay')).length === events.length);
  ofGateway.cut();
  ofGateway.heal();
  ofGateway.limit(300_000, 'toClient');
  await client.received(events.length);
  const ids = client.notifications.map(({ id }) => id);
  expect(checker.judge([{ audience: 'user:stay', ids }])).toEqual(flawless(14));
  client.close();
});

test('appends that Redis takes none of: not ready, and the leg has a name', async () => {
  await expect.poll(() => partOf(consumer, 'appends')).toEqual({ ok: true });
  await control.config('SET', 'maxmemory', '1');
  await producer.publish(new Checker().next('user:held'));
  const stalled = { ok: false, reason: 'no progress' };
  await expect.poll(() => partOf(consumer, 'appends'), { timeout: WAIT_MS }).toEqual(stalled);
  await expect.poll(() => partOf(consumer, 'redis')).toEqual({ ok: true });
  await control.config('SET', 'maxmemory', '0');
  await expect.poll(() => partOf(consumer, 'appends'), { timeout: WAIT_MS }).toEqual({ ok: true });
});

test('a log that cannot be read: not ready, and the leg has a name', async () => {
  const right = (sign: string) =>
    control.call('ACL', 'SETUSER', 'gateway', `${sign}xrange`, `${sign}xrevrange`);
  const client = connectClient(gateway.url, await tokenFor('reader'));
  await client.session();
  await producer.publish(new Checker().next('user:reader'));
  await client.received(1);
  await right('-');
  const read = async () => {
    await client.ask('inbox', { limit: 1 });
    return await partOf(gateway, 'log_reads');
  };
  const stalled = { ok: false, reason: 'no progress' };
  await expect.poll(read, { timeout: WAIT_MS, interval: 500 }).toEqual(stalled);
  const denied = { ok: false, reason: expect.stringMatching(/^redis_right_missing/) };
  await expect.poll(() => partOf(gateway, 'redis')).toEqual(denied);
  await right('+');
  await expect.poll(read, { timeout: WAIT_MS, interval: 500 }).toEqual({ ok: true });
  client.close();
});
