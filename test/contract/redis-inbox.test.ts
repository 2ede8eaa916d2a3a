/** The inbox's contract, kept by the one in Redis; and what only Redis can do wrong. */
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { roomOf } from '../../src/contract/audience.ts';
import { channelOf } from '../../src/edge/gateway/redis-live-messages.ts';
import type { InboxLimits } from '../../src/pipeline/inbox/inbox.ts';
import { RedisInbox } from '../../src/pipeline/inbox/redis-inbox.ts';
import { InboxUnavailable } from '../../src/resilience/unavailable.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { describeInbox, entry, LONG_LIVED, MAX_AGE_MS, toLiveMessages } from './inbox-contract.ts';

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

function openInbox(limits: InboxLimits, runId: () => string | undefined = () => 'a-run-id') {
  return new RedisInbox({ redis, runIdOf: runId, channelOf, limits });
}

describeInbox('redis inbox', async (limits) => {
  await redis.flushall();
  const subscriber = new Redis(server.url);
  const published = new Map<string, Buffer[]>();
  subscriber.on('smessageBuffer', (channel: Buffer, message: Buffer) => {
    published.set(channel.toString(), [...(published.get(channel.toString()) ?? []), message]);
  });
  await subscriber.ssubscribe(channelOf(roomOf('user:42')));
  let runId = 'run-1';
  return {
    inbox: openInbox(limits, () => runId),
    published: async (audience) => {
      // Behind this answer everything that was published before it has arrived.
      await subscriber.ping();
      return toLiveMessages(published.get(channelOf(roomOf(audience))) ?? []);
    },
    loseTrust: async () => {
      runId = 'run-2';
    },
    // Redis' own clock decides.
    age: () => pause(MAX_AGE_MS + 50),
    close: async () => subscriber.disconnect(),
  };
});

describe('redis inbox, of its own', () => {
  const audience = 'user:7';

  test('keys and channel of an audience share a hash tag', async () => {
    await redis.flushall();
    await openInbox(LONG_LIVED).append(audience, [entry('a', audience)]);
    const keys = await redis.keys('*');
    expect(keys.toSorted()).toEqual([
      'carillon:{user:7}:log',
      'carillon:{user:7}:meta',
      'carillon:{user:7}:once:/test a',
    ]);
    expect(channelOf(roomOf(audience))).toBe('socket.io#/#{user:7}#');
  });

  test('appends of one turn are one script, however many audiences they are for', async () => {
    await redis.flushall();
    const inbox = openInbox(LONG_LIVED);
    const audiences = Array.from({ length: 30 }, (_, i) => `user:${i}` as const);
    await redis.config('RESETSTAT');
    const appended = await Promise.all(
      audiences.map((each) => inbox.append(each, [entry('a', each), entry('b', each)])),
    );
    expect(appended.map((places) => places.map(({ offset }) => offset))).toEqual(audiences.map(() => [1, 2]));
    const calls = [...(await redis.info('commandstats')).matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)];
    // The first of them found that Redis did not have the script.
    expect(calls.reduce((sum, [, count]) => sum + Number(count), 0)).toBeLessThanOrEqual(2);
  });

  test('an audience whose keys are spoilt is no fault of the others', async () => {
    await redis.flushall();
    await redis.set('carillon:{user:spoilt}:log', 'not a stream');
    await redis.hset('carillon:{user:spoilt}:meta', 'head', 1);
    const inbox = openInbox(LONG_LIVED);
    const audiences = ['user:before', 'user:spoilt', 'user:behind'] as const;
    const results = await Promise.allSettled(audiences.map((each) => inbox.append(each, [entry('a', each)])));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await inbox.heads(['user:before', 'user:behind'])).map(({ offset }) => offset)).toEqual([1, 1]);
  });

  test('every key has an end', async () => {
    await redis.flushall();
    await openInbox(LONG_LIVED).append(audience, [entry('a', audience)]);
    for (const key of await redis.keys('*')) expect(await redis.pttl(key), key).toBeGreaterThan(0);
  });

  test("a repeat is recognised for the dedupe window, on Carillon's own topics for two minutes", async () => {
    await redis.flushall();
    const inbox = openInbox({ ...LONG_LIVED, dedupeMs: 86_400_000 });
    const own = 'topic:carillon.canary.a';
    await Promise.all([inbox.append(audience, [entry('a', audience)]), inbox.append(own, [entry('a', own)])]);
    const ttlMs = async (name: string) => {
      const [key = ''] = await redis.keys(`carillon:{${name}}:once:*`);
      return await redis.pttl(key);
    };
    expect(await ttlMs(audience)).toBeGreaterThan(86_000_000);
    expect(await ttlMs(own)).toBeGreaterThan(60_000);
    expect(await ttlMs(own)).toBeLessThanOrEqual(120_000);
  });

  test('an epoch never returns, also when a node becomes primary again', async () => {
    await redis.flushall();
    const epochs = new Set<string>();
    for (const [i, runId] of ['a', 'b', 'a', 'b', 'a'].entries()) {
      const [appended] = await openInbox(LONG_LIVED, () => runId).append(audience, [
        entry(`e${i}`, audience),
      ]);
      epochs.add(appended?.epoch ?? '');
    }
    expect(epochs.size).toBe(5);
  });

  test('a log whose counter is gone goes on under another epoch', async () => {
    await redis.flushall();
    const inbox = openInbox(LONG_LIVED);
    const [before] = await inbox.append(audience, [entry('a', audience), entry('b', audience)]);
    await redis.del('carillon:{user:7}:meta');
    const [after] = await inbox.append(audience, [entry('c', audience)]);
    expect(after).toMatchObject({ offset: 3, repeat: false });
    expect(after?.epoch).not.toBe(before?.epoch);
    expect(await inbox.read(audience, 1, 10)).toHaveLength(3);
  });

  test('nothing is written while it is not known who serves the key', async () => {
    const inbox = openInbox(LONG_LIVED, () => undefined);
    await expect(inbox.append(audience, [entry('x', audience)])).rejects.toThrow(InboxUnavailable);
  });

  test('a store that is away or refuses writes is unavailable, and nothing else', async () => {
    const own = await startRedis();
    const client = new Redis(own.url, { enableOfflineQueue: false, maxRetriesPerRequest: 0 });
    client.on('error', () => {});
    const inbox = new RedisInbox({ redis: client, runIdOf: () => 'a', channelOf, limits: LONG_LIVED });
    await until('the connection', 20_000, () => client.status === 'ready');
    await client.config('SET', 'maxmemory', '1');
    await expect(inbox.append(audience, [entry('x', audience)])).rejects.toThrow(InboxUnavailable);
    await client.config('SET', 'maxmemory', '0');
    expect((await inbox.append(audience, [entry('x', audience)]))[0]).toMatchObject({ offset: 1 });
    await own.kill();
    await expect(inbox.append(audience, [entry('y', audience)])).rejects.toThrow(InboxUnavailable);
    await expect(inbox.heads([audience])).rejects.toThrow(InboxUnavailable);
    await expect(inbox.read(audience, 1, 1)).rejects.toThrow(InboxUnavailable);
    client.disconnect();
    await own.stop();
  });
});
