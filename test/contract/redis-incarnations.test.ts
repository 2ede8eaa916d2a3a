/** What begins an epoch in Redis: another process, a promotion, and whatever makes a log go back under a running one. */
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { connectForCommands } from '../../src/adapters/redis/connections.ts';
import { logKeyOf, logKeysOf, onceKeyOf } from '../../src/adapters/redis/keys.ts';
import { channelOf } from '../../src/edge/gateway/redis-live-messages.ts';
import { parseIncarnations } from '../../src/pipeline/inbox/incarnations.ts';
import { headerEndOf } from '../../src/pipeline/inbox/live-message.ts';
import { RedisInbox } from '../../src/pipeline/inbox/redis-inbox.ts';
import { InboxUnavailable } from '../../src/resilience/unavailable.ts';
import { runIdOf } from '../support/append.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { entry, LONG_LIVED } from './inbox-contract.ts';

const audience = 'user:7';
const [log, meta] = [logKeyOf(audience, 'log'), logKeyOf(audience, 'meta')];

let first: RedisServer;
let second: RedisServer;
/** One connection each, for as long as the test runs. */
let redis: Redis;
let other: Redis;

beforeAll(async () => {
  [first, second] = await Promise.all([startRedis(), startRedis()]);
  [redis, other] = [new Redis(first.url), new Redis(second.url)];
  for (const each of [redis, other]) await each.config('SET', 'repl-diskless-sync-delay', 0);
});
afterAll(async () => {
  for (const each of [redis, other]) each.disconnect();
  await Promise.all([first.stop(), second.stop()]);
});
beforeEach(() => redis.flushall());

async function openInbox(of: Redis = redis) {
  const runId = await runIdOf(of);
  return new RedisInbox({ redis: of, runIdOf: () => runId, channelOf, limits: LONG_LIVED });
}

async function append(ids: readonly string[], of: Redis = redis) {
  const appended = await (await openInbox(of)).append(
    audience,
    ids.map((id) => entry(id, audience)),
  );
  return appended.map(({ epoch, offset, repeat }) => ({ epoch, offset, repeat }));
}

const places = (epoch: string, ...offsets: number[]) =>
  offsets.map((offset) => ({ epoch, offset, repeat: false }));

/** `replica` has all that `primary` has, and stays its replica. */
async function follow(replica: Redis, primary: Redis, port: number): Promise<void> {
  await replica.replicaof('127.0.0.1', port);
  await until('the replica to be in step', 20_000, async () => {
    return (await replica.info('replication')).includes('master_link_status:up');
  });
  expect(await primary.wait(1, 20_000)).toBe(1);
}

const epochsIn = async () => parseIncarnations((await redis.hget(meta, 'epochs')) ?? '');

test('the same process, promoted again, on connections that stayed', { timeout: 120_000 }, async () => {
  const [shared] = await append(['1', '2']);
  await follow(other, redis, first.port);
  await other.replicaof('NO', 'ONE');
  const [, , , last] = await append(['3', '4', '5', '6']);
  await follow(redis, other, second.port);
  await expect(append(['7'])).rejects.toThrow(InboxUnavailable);
  await redis.replicaof('NO', 'ONE');
  const [again] = await append(['8']);
  expect(again).toMatchObject({ offset: 3, repeat: false });
  expect(again?.epoch).not.toBe(last?.epoch);
  expect(await epochsIn()).toEqual([
    { epoch: again?.epoch, firstOffset: 3 },
    { epoch: shared?.epoch, firstOffset: 1 },
  ]);
});

test('without a promotion the epoch goes on', async () => {
  const [before] = await append(['1']);
  expect(await append(['2', '3'])).toEqual(places(before?.epoch ?? '', 2, 3));
});

test.for<[string, string[][], number, number]>([
  ['the head', [['hdel', meta, 'head']], 3, 2],
  ['the counter', [['del', meta]], 3, 2],
  ['the log', [['del', log]], 3, 0],
  [
    'the log and the head',
    [
      ['del', log],
      ['hdel', meta, 'head'],
    ],
    1,
    1,
  ],
  ['the log and the counter', [['del', log, meta]], 1, 1],
  ['everything', [['flushall']], 1, 1],
  ['all entries', [['xtrim', log, 'MAXLEN', '0']], 3, 0],
  [
    'all entries and the head',
    [
      ['xtrim', log, 'MAXLEN', '0'],
      ['hdel', meta, 'head'],
    ],
    3,
    0,
  ],
])('somebody removes %s', async ([, commands, offset, kept]) => {
  const [before] = await append(['1', '2']);
  for (const [command = '', ...args] of commands) await redis.call(command, ...args);
  const inbox = await openInbox();
  const [head] = await inbox.heads([audience]);
  const [after] = await append(['3']);
  expect(after).toMatchObject({ offset, repeat: false });
  // A place is never given out twice, and what a gateway is told of the log lies before it.
  if (after?.epoch === before?.epoch) expect(offset).toBeGreaterThan(2);
  expect(head?.offset).toBeLessThan(offset);
  expect(await inbox.read(audience, 1, 2)).toHaveLength(kept);
});

test('an event is no repeat when its place was lost by an epoch after the next', async () => {
  await append(['1', '2']);
  await redis.hset(meta, 'run', 'a process before');
  await append(['3']);
  await redis.del(log);
  await redis.hdel(meta, 'head');
  await append(['4']);
  expect((await epochsIn()).map(({ firstOffset }) => firstOffset)).toEqual([1, 3, 1]);
  expect(await append(['1'])).toMatchObject([{ offset: 2, repeat: false }]);
});

test('a counter that is older than its log goes on behind the log', async () => {
  const [before] = await append(['1', '2']);
  const old = await redis.dumpBuffer(meta);
  await append(['3', '4']);
  await redis.restore(meta, 0, old ?? '', 'REPLACE');
  const inbox = await openInbox();
  expect(await inbox.fence(audience, { epoch: before?.epoch ?? '', offset: 4 })).toEqual({
    epoch: before?.epoch,
    offset: 4,
  });
  const [after] = await append(['5']);
  expect(after?.offset).toBe(5);
  expect(after?.epoch).not.toBe(before?.epoch);
  expect((await inbox.read(audience, 1, 5)).map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5]);
});

test('a log that was restored under a running process is fenced by who has passed on more', async () => {
  const [before] = await append(['1', '2']);
  const epoch = before?.epoch ?? '';
  const old = await Promise.all([log, meta].map(async (key) => [key, await redis.dumpBuffer(key)] as const));
  await append(['3', '4']);
  for (const [key, dump] of old) await redis.restore(key, 3_600_000, dump ?? '', 'REPLACE');
  const inbox = await openInbox();
  const fenced = await inbox.fence(audience, { epoch, offset: 4 });
  expect(fenced.offset).toBe(2);
  expect(fenced.epoch).not.toBe(epoch);
  // Once: from then on it is another epoch.
  expect(await inbox.fence(audience, { epoch, offset: 4 })).toEqual(fenced);
  // The event was lost: what it left behind is no repeat.
  expect(await append(['3'])).toEqual(places(fenced.epoch, 3));
  expect(await append(['3', '1'])).toEqual([
    { epoch: fenced.epoch, offset: 3, repeat: true },
    { epoch: fenced.epoch, offset: 1, repeat: true },
  ]);
  for (const key of await redis.keys('*')) expect(await redis.pttl(key), key).toBeGreaterThan(0);
});

test('what is behind a place that the log has reached is left alone', async () => {
  const [before] = await append(['1', '2']);
  const inbox = await openInbox();
  const epoch = before?.epoch ?? '';
  for (const place of [
    { epoch, offset: 2 },
    { epoch: 'ffffffff', offset: 9 },
  ])
    expect(await inbox.fence(audience, place)).toEqual({ epoch, offset: 2 });
  expect(await inbox.fence('user:nobody', { epoch, offset: 2 })).toEqual({ epoch: '0', offset: 0 });
});

test('an event whose place was given to others is appended, not taken for a repeat', async () => {
  await append(['1', '2', '3']);
  await redis.del(log, meta);
  await append(['4', '5', '6', '7']);
  const [again] = await append(['2']);
  expect(again).toMatchObject({ offset: 5, repeat: false });
});

test('keys of lost entries hide none that come to stand at their places', async () => {
  const inbox = await openInbox();
  const collapsing = { collapseKey: '/test c', retracts: '/test x' };
  await inbox.append(
    audience,
    ['1', '2', '3'].map((id) => entry(id, audience, collapsing)),
  );
  await redis.del(log, meta);
  await append(['4']);
  expect(await inbox.shadows(audience)).toEqual({ newest: new Map(), retracted: new Map() });
});

const BEFORE = readFileSync(new URL('../support/append-before.lua', import.meta.url), 'utf8');

/** As a consumer of the version before does it. */
async function appendBefore(id: string): Promise<string> {
  const { text, ...rest } = entry(id, audience);
  const keys = [...logKeysOf(audience), onceKeyOf(audience, `/test ${id}`)];
  const limits = '20 3600000 60000 1';
  const args = [(await runIdOf(redis)) ?? '', 'channel', limits, text.head, text.tail, headerEndOf(rest), ''];
  const line = String(await redis.eval(BEFORE, keys.length, ...keys, ...args));
  return line.split(' ').slice(0, 3).join(' ');
}

test('consumers of this version and of the one before alternate: one epoch begins, no place comes twice', async () => {
  const before = await appendBefore('1');
  const [first] = await append(['2']);
  const epoch = first?.epoch ?? '';
  expect(before).not.toContain(epoch);
  expect(await appendBefore('3')).toBe(`${epoch} 3 0`);
  expect(await append(['4', '3', '1'])).toEqual([
    ...places(epoch, 4),
    { epoch, offset: 3, repeat: true },
    { epoch, offset: 1, repeat: true },
  ]);
  expect(await appendBefore('4')).toBe(`${epoch} 4 1`);
  expect(await append(['5'])).toEqual(places(epoch, 5));
  expect(await epochsIn()).toHaveLength(2);
});

test('who writes leaves a primary that has become a replica, and finds the one behind the address', {
  timeout: 120_000,
}, async () => {
  const client = connectForCommands({ kind: 'standalone', url: first.url }, pino({ level: 'silent' }));
  await until('the connection', 20_000, () => client.status === 'ready');
  let connections = 0;
  client.on('ready', () => {
    connections += 1;
  });
  await redis.replicaof('127.0.0.1', second.port);
  for (let i = 0; i < 20; i += 1) await expect(client.set('a', 'b')).rejects.toThrow();
  await until('another connection', 20_000, () => connections > 0);
  await redis.replicaof('NO', 'ONE');
  await until('a write', 20_000, async () => (await client.set('a', 'b').catch(() => '')) === 'OK');
  client.disconnect();
});
