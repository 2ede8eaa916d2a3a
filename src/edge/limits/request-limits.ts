/** Limits a user's requests: whether another one may be answered now, and how many events the user may publish. */
import type { Meter } from '../../pipeline/inbox/meter.ts';

/** The request may be answered now, or may be tried again later. */
export type RequestGrant =
  | { readonly ok: true; readonly meter: Meter; end(): void }
  | { readonly ok: false; readonly retryAfterMs: number };

export interface RequestLimits {
  /**
   * Resolves when a request of the user may be answered. The caller MUST call `end` when the answer has left this
   * process. `isWanted` is checked again if the request had to wait for others: if nobody waits for its answer any
   * more, it is dropped.
   */
  begin(user: string, isWanted: () => boolean): Promise<RequestGrant>;
}

/** What one request of a user may use up of what follows: longer than any client waits, and within the limit of a timer. */
export const MAX_QUOTA_SECONDS = 86_400;

/**
 * Limits the events that a user publishes. Undefined: allowed. Otherwise the number of ms after which to try again.
 */
export interface EventQuota {
  /** Whether not even one event could be taken now, checked before anything is read. */
  spent(user: string): Promise<number | undefined>;
  /** Takes all appends or none. More than one second's share uses up the following seconds too. */
  take(user: string, appends: number): Promise<number | undefined>;
}
