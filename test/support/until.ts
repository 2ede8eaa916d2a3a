/** Waits for a state of another process that announces itself by no event. */
import { setTimeout as pause } from 'node:timers/promises';

const intervalMs = 25;

/** The bounds that tests give are of a machine that has little else to do; a busy one takes several times as long. */
const PATIENCE = 3;

/** Asks until the answer is true. Rejects {@link PATIENCE} times `timeoutMs` later, naming `what` was awaited. */
export async function until(what: string, timeoutMs: number, isTrue: () => Promise<boolean> | boolean) {
  const patienceMs = PATIENCE * timeoutMs;
  const deadline = Date.now() + patienceMs;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`Waited ${patienceMs} ms in vain for ${what}.`);
    await pause(intervalMs);
  }
}

/**
 * Has something done, and waits for it. It is asked for again every `everyMs`: whoever was asked may have given up. Being
 * refused does not matter.
 */
export async function untilDone(
  what: string,
  timeoutMs: number,
  { ask, everyMs }: { readonly ask: () => Promise<unknown>; readonly everyMs: number },
  isTrue: () => Promise<boolean>,
) {
  let askedMs = Number.NEGATIVE_INFINITY;
  await until(what, timeoutMs, async () => {
    if (await isTrue()) return true;
    if (performance.now() - askedMs < everyMs) return false;
    askedMs = performance.now();
    await ask().catch(() => {});
    return false;
  });
}
