/** Latencies as counts of each value, so that those of several processes can be added and percentiles stay exact. */

/** Counts by milliseconds. Finer than anybody needs, and bounded whatever the number of latencies. */
export type Latencies = ReadonlyMap<number, number>;

const MAX_MS = 86_400_000;

/** Whole milliseconds below 100, then two significant digits. */
export function roundedLatency(latencyMs: number): number {
  const bounded = Math.min(Math.max(latencyMs, 0), MAX_MS);
  return bounded < 100 ? Math.round(bounded) : Number(bounded.toPrecision(2));
}

export function addLatencies(sum: Map<number, number>, more: Iterable<readonly [number, number]>): void {
  for (const [latencyMs, times] of more) sum.set(latencyMs, (sum.get(latencyMs) ?? 0) + times);
}

/** Null when there are none. */
export function percentilesOf(latencies: Latencies): { readonly p50: number; readonly p99: number } | null {
  if (latencies.size === 0) return null;
  const ascending = [...latencies].sort(([a], [b]) => a - b);
  const total = ascending.reduce((sum, [, times]) => sum + times, 0);
  const at = (share: number) => {
    let left = Math.ceil(total * share);
    for (const [latencyMs, times] of ascending) {
      left -= times;
      if (left <= 0) return latencyMs;
    }
    return 0;
  };
  return { p50: at(0.5), p99: at(0.99) };
}
