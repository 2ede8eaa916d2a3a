/** The time as a signal: whoever reads it is drawn again twice a second. */
import { signal } from '@preact/signals';

export const nowMs = signal(Date.now());

setInterval(() => {
  nowMs.value = Date.now();
}, 500);
