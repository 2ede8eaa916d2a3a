/**
 * Loaded into each measured server by `--import`. It reports over IPC what the process has used, in the same way for
 * ours and for the peers, whose code does not know of it.
 */
import { setTimeout as pause } from 'node:timers/promises';

const COLLECTIONS = 5;
/** The garbage collector returns pages to the system with a short delay. */
const BETWEEN_MS = 100;

process.on('message', async (ask) => {
  if (ask === 'collect') await collect();
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  process.send?.({ cpuMicros: user + system, rssBytes: rss, heapBytes: heapUsed });
});
// The measuring process has ended, however that happened.
process.on('disconnect', () => process.exit());

async function collect(): Promise<void> {
  if (globalThis.gc === undefined) throw new Error('start this with --expose-gc');
  for (let i = 0; i < COLLECTIONS; i += 1) {
    globalThis.gc();
    await pause(BETWEEN_MS);
  }
}
