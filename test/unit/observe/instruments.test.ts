/** Counters, histograms and gauges in the text format, and labels that nobody outside can add values to. */
import { expect, test } from 'vitest';
import { Counter, Gauge, Histogram, metricsTextOf } from '../../../src/observe/instruments.ts';

test('a counter', async () => {
  const counter = new Counter('a_total', 'As.', { kind: ['user', 'topic'], code: ['', 'x'] });
  counter.of({ kind: 'user', code: '' }).add();
  counter.of({ code: 'x', kind: 'topic' }).add(3);
  counter.of({ kind: 'user', code: '' }).add();
  expect(await metricsTextOf([counter])).toBe(
    '# HELP a_total As.\n# TYPE a_total counter\na_total{kind="user",code=""} 2\na_total{kind="topic",code="x"} 3\n',
  );
});

test('a histogram counts up to each bound, inclusive', async () => {
  const histogram = new Histogram('b_seconds', 'Bs.', {});
  const durations = histogram.of({});
  for (const ms of [1, 1.1, 100, 300_000, 300_001]) durations.observe(ms);
  const lines = (await metricsTextOf([histogram])).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      '# TYPE b_seconds histogram',
      'b_seconds_bucket{le="0.001"} 1',
      'b_seconds_bucket{le="0.0025"} 2',
      'b_seconds_bucket{le="0.05"} 2',
      'b_seconds_bucket{le="0.1"} 3',
      'b_seconds_bucket{le="60"} 3',
      'b_seconds_bucket{le="300"} 4',
      'b_seconds_bucket{le="+Inf"} 5',
      'b_seconds_count 5',
    ]),
  );
  expect(Number(/^b_seconds_sum (.*)$/m.exec(lines.join('\n'))?.[1])).toBeCloseTo(600.1031);
});

test('what would end before it began counts as 0', async () => {
  const histogram = new Histogram('b_seconds', 'Bs.', {});
  for (const ms of [-5_000, Number.NaN]) histogram.of({}).observe(ms);
  expect(await metricsTextOf([histogram])).toContain('b_seconds_bucket{le="0.001"} 2');
  expect(await metricsTextOf([histogram])).toContain('b_seconds_sum 0');
});

test('a value that is not in the list is counted as other: no number of them makes a second series', async () => {
  const counter = new Counter('a_total', 'As.', { code: ['x'] });
  for (let i = 0; i < 1_000; i += 1) counter.of({ code: `user:${i}"\n` }).add();
  expect(counter.lines()).toEqual(['a_total{code="other"} 1000']);
});

test('names that every object has are none of a list', () => {
  const counter = new Counter('a_total', 'As.', { code: ['x'] });
  counter.of({ code: '__proto__' }).add();
  counter.of({ code: 'constructor' }).add();
  expect(counter.lines()).toEqual(['a_total{code="other"} 2']);
});

test('the same labels are the same object', () => {
  const counter = new Counter('a_total', 'As.', { code: ['x'] });
  expect(counter.of({ code: 'x' })).toBe(counter.of({ code: 'x' }));
});

test('a gauge is asked at each scrape, and has no samples when it cannot tell', async () => {
  let known: number | undefined = 1.5;
  const gauge = new Gauge('c', 'Cs.', ['path'], async () =>
    known === undefined ? [] : [{ labels: { path: 'a\\b"c\n' }, value: known }],
  );
  expect(await metricsTextOf([gauge])).toBe('# HELP c Cs.\n# TYPE c gauge\nc{path="a\\\\b\\"c\\n"} 1.5\n');
  known = undefined;
  expect(await metricsTextOf([gauge])).toBe('# HELP c Cs.\n# TYPE c gauge\n');
});
