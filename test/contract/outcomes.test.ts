/** The contract of outcomes, kept by the one in memory and the one in Redis. */
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MemoryOutcomes } from '../../src/observe/outcomes/memory-outcomes.ts';
import type { Outcomes, SettledEvent } from '../../src/observe/outcomes/outcomes.ts';
import { RedisOutcomes } from '../../src/observe/outcomes/redis-outcomes.ts';
import { freshRedis } from '../support/servers.ts';

const KEPT_MS = 400;

const settled = (count: number): SettledEvent => ({
  receivedAtMs: 1_795_165_200_000,
  settledAtMs: 1_795_165_201_000,
  audiences: ['user:1'],
  count,
});

const outcomes: Record<string, (keptMs: number) => Promise<Outcomes>> = {
  memory: async (keptMs) => new MemoryOutcomes(keptMs, Date.now),
  Redis: async (keptMs) => {
    const redis = new Redis(await freshRedis());
    const onLost = (error: unknown) => expect.unreachable(String(error));
    const outcomes = new RedisOutcomes({ redis, keptMs, onLost });
    onTestFinished(async () => {
      await outcomes.close();
      redis.disconnect();
    });
    return outcomes;
  },
};

const found = async (outcomes: Outcomes, id: string) => Object.fromEntries(await outcomes.find(id));

describe.for(Object.entries(outcomes))('%s', ([, open]) => {
  test('what became of an event is found by its id, for each source of its own, the latest', async () => {
    const outcomes = await open(60_000);
    outcomes.record({ source: '/a', id: '1' }, settled(1));
    outcomes.record({ source: '/b', id: '1' }, settled(2));
    outcomes.record({ source: '/a', id: '1' }, settled(3));
    const dead = { ...settled(0), deadLetter: { code: 'expired', message: 'over', path: 'expirytime' } };
    outcomes.record({ source: '/a', id: '2' }, dead);
    await expect.poll(() => found(outcomes, '1')).toEqual({ '/a': settled(3), '/b': settled(2) });
    await expect.poll(() => found(outcomes, '2')).toEqual({ '/a': dead });
    expect(await found(outcomes, '3')).toEqual({});
  });

  test('which source made an event and which route gave its title is kept with it', async () => {
    const outcomes = await open(60_000);
    const given = { madeBy: 'exchange "shop events"', titleRoute: 'order.*' };
    outcomes.record({ source: '/a', id: '1' }, { ...settled(1), ...given });
    outcomes.record({ source: '/b', id: '1' }, { ...settled(2), titleRoute: '#' });
    outcomes.record({ source: '/c', id: '1' }, settled(3));
    await expect
      .poll(() => found(outcomes, '1'))
      .toEqual({
        '/a': { ...settled(1), ...given },
        '/b': { ...settled(2), titleRoute: '#' },
        '/c': settled(3),
      });
  });

  test('many at once are all kept', async () => {
    const outcomes = await open(60_000);
    for (let i = 0; i < 250; i += 1) outcomes.record({ source: '/a', id: String(i) }, settled(i));
    await expect.poll(() => found(outcomes, '249')).toEqual({ '/a': settled(249) });
    for (const i of [0, 99, 100, 200]) expect(await found(outcomes, String(i))).toEqual({ '/a': settled(i) });
  });

  test('events settled in one moment keep what is their own, whatever they are called', async () => {
    const outcomes = await open(60_000);
    const ids = ['plain', 'two\nlines', 'with blanks ', '{}', 'é\u0000'];
    const dead = { code: 'no_audience', message: 'two\nlines and "quotes"' };
    for (const [i, id] of ids.entries()) {
      outcomes.record({ source: '/plain', id }, settled(i));
      outcomes.record({ source: `/dead/${i}?a=é`, id }, { ...settled(i), audiences: [], deadLetter: dead });
    }
    await expect.poll(() => found(outcomes, ids.at(-1) ?? '')).not.toEqual({});
    for (const [i, id] of ids.entries())
      expect(await found(outcomes, id)).toEqual({
        '/plain': settled(i),
        [`/dead/${i}?a=é`]: { ...settled(i), audiences: [], deadLetter: dead },
      });
  });

  test('it is kept for its time', async () => {
    const outcomes = await open(KEPT_MS);
    const recorded = () => {
      outcomes.record({ source: '/a', id: '1' }, settled(1));
      return found(outcomes, '1');
    };
    await expect.poll(recorded).toEqual({ '/a': settled(1) });
    await expect.poll(() => found(outcomes, '1')).toEqual({});
  });
});

test('what was recorded is kept once Redis’ outcomes are closed', async () => {
  const redis = new Redis(await freshRedis());
  onTestFinished(() => redis.disconnect());
  const outcomes = new RedisOutcomes({
    redis,
    keptMs: 60_000,
    onLost: (error) => expect.unreachable(String(error)),
  });
  for (let i = 0; i < 150; i += 1) outcomes.record({ source: '/a', id: String(i) }, settled(i));
  await outcomes.close();
  expect(await found(outcomes, '0')).toEqual({ '/a': settled(0) });
  expect(await found(outcomes, '149')).toEqual({ '/a': settled(149) });
});

test('while Redis is away nothing is held up, what is lost is said, and asking is refused', async () => {
  const redis = new Redis({ port: 1, host: '127.0.0.1', lazyConnect: true, enableOfflineQueue: false });
  redis.on('error', () => {});
  onTestFinished(() => redis.disconnect());
  const lost: unknown[] = [];
  const outcomes = new RedisOutcomes({ redis, keptMs: KEPT_MS, onLost: (error) => lost.push(error) });
  outcomes.record({ source: '/a', id: '1' }, settled(1));
  await expect.poll(() => lost).toHaveLength(1);
  await expect(outcomes.find('1')).rejects.toThrow();
});
