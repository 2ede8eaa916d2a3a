/** How an event that was taken from the queue is settled: a value that the handler returns. */
import type { Event } from '../contract/event.ts';
import type { Refusal } from '../contract/refusal.ts';

export type Settlement =
  /** Every audience's inbox has it: the queue may forget it. */
  | { readonly kind: 'ack'; readonly isCanary?: true }
  /** It can never be delivered: it goes to the dead letters with the reason, and then the queue may forget it. */
  | { readonly kind: 'dead-letter'; readonly refusal: Refusal }
  /** This process stops, or its channel is gone, before it was done: it stays in the queue, for whoever comes next. */
  | { readonly kind: 'release' };

/**
 * MUST NOT reject: whatever is not the event's fault is held and tried again inside. `publishedAtMs`, since 1970, is
 * for measuring only, and by another machine's clock; left out when nobody knows.
 */
export type Handle = (event: Event, publishedAtMs?: number) => Promise<Settlement>;

export const ACK: Settlement = Object.freeze({ kind: 'ack' });
export const RELEASE: Settlement = Object.freeze({ kind: 'release' });
