/** Keeps processes that started together from doing everything at the same time. */

/** {@link jittered} never makes a time longer than so many times itself. */
export const MAX_JITTER = 1.25;

/** A random time between three and five quarters of it. */
export function jittered(ms: number): number {
  return ms * (0.75 + Math.random() / 2);
}
