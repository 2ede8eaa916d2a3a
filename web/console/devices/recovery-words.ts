/** What a device was told of the time when it was away, in words. */
import { plural } from '../words.ts';

export interface Recovery {
  readonly status: 'asking' | 'done';
  readonly count: number;
  /** False when notifications may be lost that were never told; the inbox has been read again. */
  readonly isComplete: boolean;
}

export function recoveryInWords({ status, count, isComplete }: Recovery): string {
  if (status === 'asking') return 'Asking what was missed …';
  if (!isComplete && count === 0) return 'The log began anew; the inbox was read again';
  if (!isComplete) return `${count} recovered, others may not have been told; the inbox was read again`;
  if (count === 0) return 'Nothing was missed';
  return `${plural(count, 'missed', 'missed')}, ${count === 1 ? 'recovered' : 'all recovered'}`;
}
