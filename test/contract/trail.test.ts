/** The contract of the trail, kept by the one in memory and the one in Redis. */
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MemoryTrail } from '../../src/observe/outcomes/memory-outcomes.ts';
import type { SettledEvent, Trail } from '../../src/observe/outcomes/outcomes.ts';
import { RedisTrail } from '../../src/observe/outcomes/redis-outcomes.ts';
import { freshRedis } from '../support/servers.ts';

const KEPT_MS = 400;

const settled = (count: number): SettledEvent => ({
  receivedAtMs: 1_795_165_200_000,
  settledAtMs: 1_795_165_201_000,
  audiences: ['user:1'],
  count,
});

const trails: Record<string, (keptMs: number) => Promise<Trail>> = {
  memory: async (keptMs) => new MemoryTrail(keptMs, Date.now),
  Redis: async (keptMs) => {
    const redis = new Redis(await freshRedis());
    const onLost = (error: unknown) => expect.unreachable(String(error));
    const trail = new RedisTrail({ redis, keptMs, onLost });
    onTestFinished(async () => {
      await trail.close();
      redis.disconnect();
    });
    return trail;
  },
};

const found = async (trail: Trail, id: string) => Object.fromEntries(await trail.find(id));

describe.for(Object.entries(trails))('%s', ([, open]) => {
  test('what became of an event is found by its id, for each source of its own, the latest', async () => {
    const trail = await open(60_000);
    trail.record({ source: '/a', id: '1' }, settled(1));
    trail.record({ source: '/b', id: '1' }, settled(2));
    trail.record({ source: '/a', id: '1' }, settled(3));
    const dead = { ...settled(0), deadLetter: { code: 'expired', message: 'over', path: 'expirytime' } };
    trail.record({ source: '/a', id: '2' }, dead);
    await expect.poll(() => found(trail, '1')).toEqual({ '/a': settled(3), '/b': settled(2) });
    await expect.poll(() => found(trail, '2')).toEqual({ '/a': dead });
    expect(await found(trail, '3')).toEqual({});
  });

  test('many at once are all kept', async () => {
    const trail = await open(60_000);
    for (let i = 0; i < 250; i += 1) trail.record({ source: '/a', id: String(i) }, settled(i));
    await expect.poll(() => found(trail, '249')).toEqual({ '/a': settled(249) });
    for (const i of [0, 99, 100, 200]) expect(await found(trail, String(i))).toEqual({ '/a': settled(i) });
  });

  test('events settled in one moment keep what is their own, whatever they are called', async () => {
    const trail = await open(60_000);
    const ids = ['plain', 'two\nlines', 'with blanks ', '{}', 'é\u0000'];
    const dead = { code: 'no_audience', message: 'two\nlines and "quotes"' };
    for (const [i, id] of ids.entries()) {
      trail.record({ source: '/plain', id }, settled(i));
      trail.record({ source: `/dead/${i}?a=é`, id }, { ...settled(i), audiences: [], deadLetter: dead });
    }
    await expect.poll(() => found(trail, ids.at(-1) ?? '')).not.toEqual({});
    for (const [i, id] of ids.entries())
      expect(await found(trail, id)).toEqual({
        '/plain': settled(i),
        [`/dead/${i}?a=é`]: { ...settled(i), audiences: [], deadLetter: dead },
      });
  });

  test('it is kept for its time', async () => {
    const trail = await open(KEPT_MS);
    const recorded = () => {
      trail.record({ source: '/a', id: '1' }, settled(1));
      return found(trail, '1');
    };
    await expect.poll(recorded).toEqual({ '/a': settled(1) });
    await expect.poll(() => found(trail, '1')).toEqual({});
  });
});

test('what was recorded is kept once Redis’ trail is closed', async () => {
  const redis = new Redis(await freshRedis());
  onTestFinished(() => redis.disconnect());
  const trail = new RedisTrail({
    redis,
    keptMs: 60_000,
    onLost: (error) => expect.unreachable(String(error)),
  });
  for (let i = 0; i < 150; i += 1) trail.record({ source: '/a', id: String(i) }, settled(i));
  await trail.close();
  expect(await found(trail, '0')).toEqual({ '/a': settled(0) });
  expect(await found(trail, '149')).toEqual({ '/a': settled(149) });
});

test('while Redis is away nothing is held up, what is lost is said, and asking is refused', async () => {
  const redis = new Redis({ port: 1, host: '127.0.0.1', lazyConnect: true, enableOfflineQueue: false });
  redis.on('error', () => {});
  onTestFinished(() => redis.disconnect());
  const lost: unknown[] = [];
  const trail = new RedisTrail({ redis, keptMs: KEPT_MS, onLost: (error) => lost.push(error) });
  trail.record({ source: '/a', id: '1' }, settled(1));
  await expect.poll(() => lost).toHaveLength(1);
  await expect(trail.find('1')).rejects.toThrow();
});
