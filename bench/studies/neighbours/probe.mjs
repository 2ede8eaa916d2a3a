/**
 * Loaded into the measured gateway by `--import`. It reports over IPC what the process uses. It is JavaScript because
 * the gateway runs without a loader for TypeScript.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';

const COLLECTIONS = 5;
/** The garbage collector returns pages to the system with a short delay. */
const BETWEEN_MS = 100;
/** The interval of the timer in the event loop. The delay is how much later the timer fires. */
const RESOLUTION_MS = 5;

const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delays.enable();

process.on('message', async (ask) => {
  if (ask === 'collect') await collect();
  if (ask === 'begin') delays.reset();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  process.send?.({
    rssBytes: rss,
    heapBytes: heapUsed,
    externalBytes: external,
    cpuMicros: user + system,
    loopDelayMs: Math.max(0, delays.percentile(99) / 1e6 - RESOLUTION_MS),
  });
});
// The measuring process has ended, however that happened.
process.on('disconnect', () => process.exit());

async function collect() {
  for (let i = 0; i < COLLECTIONS; i += 1) {
    globalThis.gc();
    await pause(BETWEEN_MS);
  }
}
