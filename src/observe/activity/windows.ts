/**
 * Divides time into windows of TICK_MS that begin at the same moments in every process with a good clock. All
 * processes send what happened in a window together, so that no tick shows an event's end before its beginning.
 */
import { TICK_MS } from '../../contract/console.ts';

const EARLY_MS = 10;

/** Calls back `afterMs` after the end of each window. Returns a function that stops it. */
export function everyWindow(afterMs: number, listener: () => void): () => void {
  let timer: NodeJS.Timeout;
  const next = () => {
    const leftMs = TICK_MS - ((Date.now() - afterMs) % TICK_MS);
    timer = setTimeout(
      () => {
        next();
        listener();
      },
      // Timers may fire a little early; a window that has just ended must not end again.
      leftMs < EARLY_MS ? leftMs + TICK_MS : leftMs,
    );
    timer.unref();
  };
  next();
  return () => clearTimeout(timer);
}
