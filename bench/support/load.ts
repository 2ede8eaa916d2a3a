/** Runs the same thing many times, and measures what that costs this process. */

export interface Cost {
  readonly cpuMicros: number;
  readonly elapsedMs: number;
}

/** The CPU time of this process over all threads, and the elapsed time. */
export async function costOf(run: () => Promise<unknown>): Promise<Cost> {
  const before = process.cpuUsage();
  const startMs = performance.now();
  await run();
  const { user, system } = process.cpuUsage(before);
  return { cpuMicros: user + system, elapsedMs: performance.now() - startMs };
}

/** Calls `run` `count` times, with at most `atOnce` calls under way. */
export async function inHand(atOnce: number, count: number, run: (at: number) => Promise<unknown>) {
  let next = 0;
  const worker = async () => {
    while (next < count) {
      next += 1;
      await run(next - 1);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** The duration of each call, one after the other, after as many calls to warm up. */
export async function latenciesMs(count: number, run: () => Promise<unknown>): Promise<number[]> {
  await inHand(1, count, run);
  const latencies: number[] = [];
  await inHand(1, count, async () => {
    latencies.push((await costOf(run)).elapsedMs);
  });
  return latencies;
}
