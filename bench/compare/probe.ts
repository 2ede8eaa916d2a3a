/**
 * Loaded into each measured server by `--import`: answers over IPC what the process has used, in the same way for
 * ours and the peers, which know nothing of it.
 */
import { setTimeout as pause } from 'node:timers/promises';

const COLLECTIONS = 5;
/** The collector gives pages back to the system a little later. */
const BETWEEN_MS = 100;

process.on('message', async (ask) => {
  if (ask === 'collect') await collect();
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicros: user + system, rssBytes: process.memoryUsage.rss() });
});
// The measuring process is gone, however it ended.
process.on('disconnect', () => process.exit());

async function collect(): Promise<void> {
  if (globalThis.gc === undefined) throw new Error('start this with --expose-gc');
  for (let i = 0; i < COLLECTIONS; i += 1) {
    globalThis.gc();
    await pause(BETWEEN_MS);
  }
}
