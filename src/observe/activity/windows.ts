/**
 * Time in windows of TICK_MS that begin at the same moments in every process with a good clock. What happened in one
 * window leaves all processes together, so that a tick does not show an event's end before its beginning.
 */
import { TICK_MS } from '../../contract/console.ts';

const EARLY_MS = 10;

/** Calls back at the end of each window, or so long after it. Returns what ends it. */
export function everyWindow(afterMs: number, listener: () => void): () => void {
  let timer: NodeJS.Timeout;
  const next = () => {
    const leftMs = TICK_MS - ((Date.now() - afterMs) % TICK_MS);
    timer = setTimeout(
      () => {
        next();
        listener();
      },
      // Timers may be a little early: the window that ends now must not end again.
      leftMs < EARLY_MS ? leftMs + TICK_MS : leftMs,
    );
    timer.unref();
  };
  next();
  return () => clearTimeout(timer);
}
