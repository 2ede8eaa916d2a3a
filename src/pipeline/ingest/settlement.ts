/** How an event that was taken from the queue is settled: a value that the handler returns. */
import type { Event } from '../../contract/event.ts';
import { type Refusal, refuse } from '../../contract/refusal.ts';
import { reasonOf } from '../../resilience/reason.ts';
import { stackOf } from '../../resilience/unavailable.ts';
import type { EventLife } from '../event-life.ts';

export type Settlement =
  /** Every audience's inbox has it: the queue may forget it. */
  | { readonly kind: 'ack'; readonly isCanary?: true }
  /** It can never be delivered: it goes to the dead letters with the reason, and then the queue may forget it. */
  | { readonly kind: 'dead-letter'; readonly refusal: Refusal }
  /** This process stops, or its channel is gone, before it was done: it stays in the queue, for whoever comes next. */
  | { readonly kind: 'release' };

/**
 * Whatever is away is waited for and tried again inside. What it rejects with is a fault of ours: see {@link settled}.
 * `publishedAtMs`, since 1970, is by another machine's clock, and decides only whether an event is older than its user's
 * erasure; left out when nobody knows.
 */
export type Handle = (event: Event, life: EventLife, publishedAtMs?: number) => Promise<Settlement>;

export const ACK: Settlement = Object.freeze({ kind: 'ack' });
export const RELEASE: Settlement = Object.freeze({ kind: 'release' });

/** Of a canary that came through, which only its gateway looks for. */
export function isUntold(settlement: Settlement): boolean {
  return settlement.kind === 'ack' && settlement.isCanary === true;
}

/** What the log says of a fault of ours, and of which event. */
export type OnFault = (fault: {
  readonly code: 'internal';
  readonly reason: string;
  readonly stack: string;
}) => void;

/**
 * The settlement, whatever happens: an event on which this process fails becomes a dead letter, with its stack in the
 * log. It MUST neither be held for ever, with all that waits behind it, nor end the process, which would take the
 * events beside it along when it comes again.
 */
export async function settled(settle: () => Promise<Settlement>, onFault: OnFault): Promise<Settlement> {
  try {
    return await settle();
  } catch (error) {
    onFault({ code: 'internal', reason: reasonOf(error), stack: stackOf(error) });
    // What the error says may hold data.
    const name = error instanceof Error ? error.name : typeof error;
    const { refusal } = refuse('internal', `the service failed on it with ${name}; its log has the stack`);
    return { kind: 'dead-letter', refusal };
  }
}
