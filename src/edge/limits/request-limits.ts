/** How the requests of a user are limited: whether one more may be answered now, and how many events they may publish. */
import type { Meter } from '../../pipeline/inbox/meter.ts';

/** A request that may be answered now, or when it may be asked again. */
export type RequestGrant =
  | { readonly ok: true; readonly meter: Meter; end(): void }
  | { readonly ok: false; readonly retryAfterMs: number };

export interface RequestLimits {
  /**
   * Resolves when a request of the user may be answered. The caller MUST call `end` when the answer has left this
   * process. `isWanted` is asked once more when others had to be waited for: what nobody waits for any more is not
   * answered.
   */
  begin(user: string, isWanted: () => boolean): Promise<RequestGrant>;
}

/** Of events that a user publishes. Undefined when it is allowed; else after how many ms it may be tried again. */
export interface EventQuota {
  /** Before anything is read: whether not even one could be taken now. */
  spent(user: string): Promise<number | undefined>;
  /** Takes all of it or nothing. What is more than a second's share takes the seconds that follow too. */
  take(user: string, appends: number): Promise<number | undefined>;
}
