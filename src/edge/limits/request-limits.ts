/** How the requests of a user are limited: what each costs, and whether one more may be answered now. */

/** Is told what an answer costs while it is made, in units: see docs/protocol.md. */
export interface Meter {
  spend(units: number): void;
}

/** What a request costs before anything is read for it. */
export const REQUEST_COST = 10;

/** What it costs to begin again because somebody else has changed the same marks. */
export const CONFLICT_COST = 100;

const BYTES_PER_UNIT = 1_024;

/** Of entries that were read from a log: one each, and one for each KB. */
export function costOfRead(entries: readonly { readonly json: string }[]): number {
  return entries.reduce((cost, { json }) => cost + 1 + json.length / BYTES_PER_UNIT, 0);
}

/** A request that may be answered now, or when it may be asked again. */
export type RequestTurn =
  | { readonly ok: true; readonly meter: Meter; end(): void }
  | { readonly ok: false; readonly retryAfterMs: number };

export interface RequestLimits {
  /**
   * Resolves when a request of the user may be answered. The caller MUST call `end` when the answer has left this
   * process. `isWanted` is asked once more when others had to be waited for: what nobody waits for any more is not
   * answered.
   */
  begin(user: string, isWanted: () => boolean): Promise<RequestTurn>;
}

/** Of events that a user publishes. Undefined when it is allowed; else after how many ms it may be tried again. */
export interface EventQuota {
  /** Before anything is read: whether not even one could be taken now. */
  spent(user: string): Promise<number | undefined>;
  /** Takes all of it or nothing. What is more than a second's share takes the seconds that follow too. */
  take(user: string, appends: number): Promise<number | undefined>;
}
