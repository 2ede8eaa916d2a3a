/** Outcomes: what became of each event, kept for TRAIL_SECONDS (six hours by default). `explain` reads them. */
import type { Audience } from '../../contract/audience.ts';

export interface SettledEvent {
  /** When the consumer took it and when it was settled: milliseconds since 1970. */
  readonly receivedAtMs: number;
  readonly settledAtMs: number;
  /** The partition that it was taken from; absent with one queue. */
  readonly queue?: string | undefined;
  /** The audiences that it was mapped to, or the first of many. */
  readonly audiences: readonly string[];
  /** How many audiences it was mapped to in total. */
  readonly count: number;
  /** Why it was not delivered; absent when it was. */
  readonly deadLetter?:
    | { readonly code: string; readonly message: string; readonly path?: string | undefined }
    | undefined;
  /** The source that made the event of a message, as in `exchange shop.events`; absent when it came as an event. */
  readonly madeBy?: string | undefined;
  /** The type of the route that gives its title; absent when none does. */
  readonly titleRoute?: string | undefined;
}

/** With more, a notice to ten thousand users would take a page of JSON. */
export const AUDIENCES_KEPT = 20;

export interface EventIdentity {
  readonly source: string;
  readonly id: string;
}

/** Redis and memory implement it. */
export interface Outcomes {
  /**
   * Keeps the latest outcome of an event. MUST NOT throw or make the event wait: it is delivered without an outcome
   * too.
   */
  record(event: EventIdentity, settled: SettledEvent): void;

  /** The outcomes of the events with this id, by source. Rejects while the store is away. */
  find(id: string): Promise<ReadonlyMap<string, SettledEvent>>;

  /**
   * Takes an audience out of an event's outcome, and the outcome with it when it names no other. Rejects when it may not
   * have been done, and may be called again.
   */
  forget(event: EventIdentity, audience: Audience): Promise<void>;
}

/** The outcome without this audience; undefined: nothing is left. The same one when it does not name the audience. */
export function withoutAudience(settled: SettledEvent, audience: Audience): SettledEvent | undefined {
  const audiences = settled.audiences.filter((one) => one !== audience);
  if (audiences.length === settled.audiences.length) return settled;
  return settled.count === 1 ? undefined : { ...settled, audiences, count: settled.count - 1 };
}
