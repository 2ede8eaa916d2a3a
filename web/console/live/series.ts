/** The last minute, second by second. */
import { type Counts, countsFrom, type Latency, type Tick } from './tick.ts';

const WINDOW_SECONDS = 60;

interface Second {
  /** Since 1970. */
  readonly second: number;
  readonly counts: Counts;
  /** Of the slowest tick in it. */
  readonly latencyMs: Latency | undefined;
}

/** Oldest first; seconds in which nothing happened are not there. */
export type Series = readonly Second[];

/** `nowMs` by this machine's clock: the server's may differ, and the charts end now. */
export function withTick(series: Series, { counts, latencyMs }: Tick, nowMs: number): Series {
  const second = Math.floor(nowMs / 1_000);
  const last = series.at(-1);
  const kept = series.filter((one) => one.second > second - WINDOW_SECONDS && one.second !== second);
  const same = last?.second === second ? last : undefined;
  return [
    ...kept,
    {
      second,
      counts: countsFrom((name) => (same?.counts[name] ?? 0) + counts[name]),
      latencyMs: slower(same?.latencyMs, latencyMs),
    },
  ];
}

/** One value for each second of the last minute, oldest first. */
export function lastMinute<T>(series: Series, nowMs: number, read: (second: Second) => T, none: T): T[] {
  const now = Math.floor(nowMs / 1_000);
  const known = new Map(series.map((one) => [one.second, one]));
  return Array.from({ length: WINDOW_SECONDS }, (_, i) => {
    const one = known.get(now - WINDOW_SECONDS + 1 + i);
    return one === undefined ? none : read(one);
  });
}

/** Of the second that is passing or the last whole one, whichever has more: a number that neither lags nor flickers. */
export function rateNow(values: readonly number[]): number {
  return Math.max(values.at(-1) ?? 0, values.at(-2) ?? 0);
}

function slower(a: Latency | undefined, b: Latency | undefined): Latency | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return { p50: Math.max(a.p50, b.p50), p99: Math.max(a.p99, b.p99) };
}
