/** Keeps processes that started together from doing everything at the same time. */

/** A random time between three and five quarters of it. */
export function jittered(ms: number): number {
  return ms * (0.75 + Math.random() / 2);
}
