/** Waits for a state in another process that no event announces. */
import { setTimeout as pause } from 'node:timers/promises';

const intervalMs = 25;

/** The tests' time limits suit a quiet machine. A busy one takes several times as long. */
const PATIENCE = 3;

/**
 * Polls until the answer is true. After {@link PATIENCE} times `timeoutMs`, rejects with a message that names `what`.
 */
export async function until(what: string, timeoutMs: number, isTrue: () => Promise<boolean> | boolean) {
  const patienceMs = PATIENCE * timeoutMs;
  const deadline = Date.now() + patienceMs;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`Waited ${patienceMs} ms in vain for ${what}.`);
    await pause(intervalMs);
  }
}

/**
 * Asks for something, and waits until it is done. Asks again every `everyMs`, because the other side may have given up.
 * Refusals do not matter.
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
