/** So that many processes, which began together, do not go on doing everything at the same time. */

/** Between three quarters and five quarters of it. */
export function jittered(ms: number): number {
  return ms * (0.75 + Math.random() / 2);
}
