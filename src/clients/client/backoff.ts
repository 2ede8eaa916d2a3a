/** How long to wait before the next try. */

const FIRST_PAUSE_MS = 1_000;

/** Doubles with each failure up to `maxMs`. The random half keeps many clients from coming back together. */
export function backoffMs(failures: number, maxMs: number, random: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** failures, maxMs) * (0.5 + random / 2);
}
