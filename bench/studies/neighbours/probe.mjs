/**
 * Loaded into the measured gateway by `--import`: answers over IPC what the process uses. JavaScript, because the
 * gateway runs without anything that could load TypeScript.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';

const COLLECTIONS = 5;
/** The collector gives pages back to the system a little later. */
const BETWEEN_MS = 100;
/** How often the event loop is asked to come by; how much later it does is its delay. */
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
// The measuring process is gone, however it ended.
process.on('disconnect', () => process.exit());

async function collect() {
  for (let i = 0; i < COLLECTIONS; i += 1) {
    globalThis.gc();
    await pause(BETWEEN_MS);
  }
}
