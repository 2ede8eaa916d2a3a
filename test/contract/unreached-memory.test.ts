/** What is remembered of fetches and of signals that were told: in Redis and in this process alike. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EMPTY_HEAD } from '../../src/contract/notification.ts';
import { LocalUnreachedMemory } from '../../src/reach/local-unreached-memory.ts';
import { RedisUnreachedMemory } from '../../src/reach/redis-unreached-memory.ts';
import type { UnreachedMemory, UnreachedMemoryLimits } from '../../src/reach/unreached-memory.ts';
import { freshRedis } from '../support/servers.ts';

const [ADA, EVE] = ['user:ada', 'user:eve'] as const;
const at = (offset: number, epoch = 'a1') => ({ epoch, offset });
const LONG: UnreachedMemoryLimits = { fetchedKeptMs: 60_000, signalledKeptMs: 60_000 };

let redis: Redis;
beforeAll(async () => {
  redis = new Redis(await freshRedis());
});
afterAll(() => redis.disconnect());

describe.for<[string, (limits: UnreachedMemoryLimits) => UnreachedMemory]>([
  ['Redis', (limits) => new RedisUnreachedMemory({ redis, ...limits })],
  ['this process', (limits) => new LocalUnreachedMemory(limits, Date.now)],
])('%s', ([name, make]) => {
  // Each test has users of its own.
  const of = (audience: typeof ADA | typeof EVE, test: string) =>
    `${audience}-${name.replace(' ', '-')}-${test}` as const;

  test('knows up to where a user has fetched, and the newest counts', async () => {
    const memory = make(LONG);
    const [ada, eve] = [of(ADA, 'fetched'), of(EVE, 'fetched')];
    expect(await memory.fetchedUpTo(ada)).toEqual(EMPTY_HEAD);
    memory.fetched(ada, at(7));
    await expect.poll(() => memory.fetchedUpTo(ada)).toEqual(at(7));
    memory.fetched(ada, at(9, 'b2'));
    await expect.poll(() => memory.fetchedUpTo(ada)).toEqual(at(9, 'b2'));
    expect(await memory.fetchedUpTo(eve)).toEqual(EMPTY_HEAD);
  });

  test('knows which notifications were reported, by audience, epoch and offset', async () => {
    const memory = make(LONG);
    const [ada, eve] = [of(ADA, 'told'), of(EVE, 'told')];
    await memory.signalled(ada, at(1));
    await memory.signalled(ada, at(1));
    const asked = [
      memory.isSignalled(ada, at(1)),
      memory.isSignalled(ada, at(2)),
      memory.isSignalled(ada, at(1, 'b2')),
      memory.isSignalled(eve, at(1)),
    ];
    expect(await Promise.all(asked)).toEqual([true, false, false, false]);
  });

  test('forgets each in its time', async () => {
    const memory = make({ fetchedKeptMs: 50, signalledKeptMs: 50 });
    const ada = of(ADA, 'forgets');
    memory.fetched(ada, at(7));
    await memory.signalled(ada, at(7));
    await expect.poll(() => memory.fetchedUpTo(ada)).toEqual(EMPTY_HEAD);
    await expect.poll(() => memory.isSignalled(ada, at(7))).toBe(false);
    // Another one after that, which in memory is when the old ones go.
    const again = async () => {
      await memory.signalled(ada, at(8));
      return await memory.isSignalled(ada, at(8));
    };
    await expect.poll(again).toBe(true);
  });
});
