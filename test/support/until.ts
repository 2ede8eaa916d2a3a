/** Waits for a state of another process that announces itself by no event. */
import { setTimeout as pause } from 'node:timers/promises';

const intervalMs = 25;

/** Asks until the answer is true. Rejects after `timeoutMs`, naming `what` was awaited. */
export async function until(what: string, timeoutMs: number, isTrue: () => Promise<boolean> | boolean) {
  const deadline = Date.now() + timeoutMs;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}.`);
    await pause(intervalMs);
  }
}
