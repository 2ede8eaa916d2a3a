/** Runs many of the same, and what that costs this process. */

export interface Cost {
  readonly cpuMicros: number;
  readonly elapsedMs: number;
}

/** The CPU time of this process, all threads, and the time that passed. */
export async function costOf(run: () => Promise<unknown>): Promise<Cost> {
  const before = process.cpuUsage();
  const startMs = performance.now();
  await run();
  const { user, system } = process.cpuUsage(before);
  return { cpuMicros: user + system, elapsedMs: performance.now() - startMs };
}

/** Runs it so many times, at most `atOnce` under way. */
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

/** How long each run takes, one after the other, once the code is warm. */
export async function latenciesMs(count: number, run: () => Promise<unknown>): Promise<number[]> {
  await inHand(1, count, run);
  const latencies: number[] = [];
  await inHand(1, count, async () => {
    latencies.push((await costOf(run)).elapsedMs);
  });
  return latencies;
}
