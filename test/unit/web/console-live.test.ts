/** What the console's live pane makes of ticks: ways of events, seconds, and lines. */
import { describe, expect, test } from 'vitest';
import {
  isAppended,
  isDelivered,
  latencyOf,
  MAX_JOURNEYS,
  socketsOf,
  withStages,
} from '../../../web/console/live/journeys.ts';
import { areaPath, dotsPath, linePath, niceMax } from '../../../web/console/live/scale.ts';
import { lastMinute, rateNow, withTick } from '../../../web/console/live/series.ts';
import { countsFrom, readTick, type Stage, type Tick } from '../../../web/console/live/tick.ts';

function tickOf(samples: readonly unknown[], others: Record<string, unknown> = {}): Tick {
  const tick = readTick(
    JSON.stringify({ atMs: 1, counts: {}, connections: 0, samples, dropped: 0, ...others }),
  );
  if (tick === undefined) throw new Error('no tick');
  return tick;
}

function stages(...samples: readonly Record<string, unknown>[]): readonly Stage[] {
  const event = { source: '/s', id: '1', type: 't' };
  return tickOf(samples.map((sample, i) => ({ atMs: i, event, node: 'n', ...sample }))).samples;
}

describe('a tick', () => {
  test('is read with what it has, and without what is not as it should be', () => {
    const tick = tickOf(
      [
        { stage: 'dead', atMs: 7, event: {}, reason: 'not_json', node: 'n' },
        { stage: 'unheard of', atMs: 7, event: {}, node: 'n' },
        'no stage',
      ],
      { counts: { received: 2, dead: '1' }, latencyMs: { p50: 1, p99: 2 } },
    );
    expect(tick.counts).toEqual({ ...countsFrom(() => 0), received: 2 });
    expect(tick.latencyMs).toEqual({ p50: 1, p99: 2 });
    expect(tick.samples).toMatchObject([{ stage: 'dead', event: { source: '', id: '', type: '' } }]);
    expect(tickOf([], { latencyMs: null }).latencyMs).toBeUndefined();
  });

  test.each(['', 'null', '[]', '{'])('is not %j', (text) => {
    expect(readTick(text)).toBeUndefined();
  });
});

describe('the way of an event', () => {
  const way = stages(
    { stage: 'received' },
    { stage: 'mapped', audiences: ['user:a', 'global'], count: 2, route: 'order.*' },
    { stage: 'appended', audience: 'user:a', offset: 4, nodes: 1 },
    { stage: 'appended', audience: 'global', offset: 9, nodes: 2 },
    { stage: 'delivered', audience: 'global', offset: 9, sockets: 3, latencyMs: 2 },
    { stage: 'delivered', audience: 'global', offset: 9, sockets: 4, latencyMs: 5, node: 'other' },
  );

  test('is put together for each audience, over all nodes', () => {
    const [journey, ...others] = withStages([], way);
    expect(others).toEqual([]);
    expect(journey).toMatchObject({ key: '/s 1', type: 't', isMapped: true, count: 2, route: 'order.*' });
    expect(journey?.legs).toEqual([
      { audience: 'user:a', offset: 4, nodes: 1, sockets: undefined, latencyMs: undefined },
      { audience: 'global', offset: 9, nodes: 2, sockets: 7, latencyMs: 5 },
    ]);
    expect(
      journey && [isAppended(journey), isDelivered(journey), socketsOf(journey), latencyOf(journey)],
    ).toEqual([true, true, 7, 5]);
  });

  test('is the same over several ticks and in another order, but for the order of audiences', () => {
    const one = withStages([], way);
    const [backwards] = way
      .toReversed()
      .reduce((journeys, stage) => withStages(journeys, [stage]), withStages([], []));
    expect({ ...backwards, legs: backwards?.legs.toReversed() }).toEqual({ ...one[0], route: 'order.*' });
  });

  test('ends when it is dead, and tells a repeat', () => {
    const [journey] = withStages(
      [],
      stages({ stage: 'received' }, { stage: 'dead', reason: 'expired', detail: 'too late' }),
    );
    expect(journey?.death).toEqual({ atMs: 1, reason: 'expired', detail: 'too late' });
    expect(journey?.isRepeat).toBe(false);
    const again = stages({ stage: 'appended', audience: 'global', offset: 1, detail: 'repeat' });
    expect(withStages([], again)[0]?.isRepeat).toBe(true);
  });

  test('the newest stands first, and the oldest are forgotten', () => {
    const many = Array.from({ length: MAX_JOURNEYS + 5 }, (_, i) => ({
      stage: 'received',
      event: { source: '/s', id: String(i), type: 't' },
    }));
    const journeys = withStages([], stages(...many));
    expect(journeys.length).toBe(MAX_JOURNEYS);
    expect(journeys[0]?.id).toBe(String(MAX_JOURNEYS + 4));
    expect(withStages(journeys, stages({ stage: 'received' }))[0]?.id).toBe('1');
  });
});

describe('the last minute', () => {
  const received = (count: number, latencyMs?: unknown) =>
    tickOf([], { counts: { received: count }, latencyMs });
  const rates = (series: ReturnType<typeof withTick>, nowMs: number) =>
    lastMinute(series, nowMs, ({ counts }) => counts.received, 0);

  test('adds up the ticks of a second, and is empty where nothing was', () => {
    const series = [
      [2, 10_100],
      [3, 10_900],
      [1, 12_000],
    ].reduce(
      (sum, [count = 0, atMs = 0]) => withTick(sum, received(count), atMs),
      withTick([], received(7), 1),
    );
    expect(rates(series, 12_500).slice(-4)).toEqual([0, 5, 0, 1]);
    expect(rates(series, 12_500).length).toBe(60);
    expect(rates(series, 60_500)[0]).toBe(0);
    expect(rateNow(rates(series, 11_500))).toBe(5);
    expect(rateNow([])).toBe(0);
  });

  test('keeps of a second the slowest, and forgets what is older than a minute', () => {
    const first = withTick([], received(1, { p50: 3, p99: 4 }), 1_000);
    const series = withTick(first, received(1, { p50: 1, p99: 9 }), 1_500);
    expect(series).toMatchObject([{ second: 1, latencyMs: { p50: 3, p99: 9 } }]);
    expect(withTick(series, received(1), 61_500).map(({ second }) => second)).toEqual([61]);
  });
});

describe('a chart', () => {
  test.each([
    [[0], 1, 1],
    [[3], 1, 5],
    [[10], 1, 10],
    [[11], 1, 20],
    [[0.3, 480], 1, 500],
    [[900], 1, 1_000],
    [[], 2, 2],
    [[0.2], 0.1, 0.2],
  ])('of %j with at least %d ends at %d', (values, least, max) => {
    expect(niceMax(values, least)).toBeCloseTo(max);
  });

  test('is drawn over its whole width, with gaps, and nothing above its top', () => {
    const frame = { width: 30, height: 10, max: 10 };
    expect(linePath([0, 5, 20, 10], frame)).toBe('M0 10L10 5L20 0L30 0');
    expect(linePath([1, undefined, 1, 2], frame)).toBe('M0 9M20 9L30 8');
    expect(dotsPath([undefined, 5], frame)).toBe('M30 5h0');
    expect(areaPath([0, 10], frame)).toBe('M0 10L30 0L30 10L0 10Z');
    expect(areaPath([], frame)).toBe('');
  });
});
