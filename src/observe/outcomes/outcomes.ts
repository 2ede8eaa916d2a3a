/** Outcomes: what became of each event, kept for TRAIL_SECONDS (six hours unless set), for whoever asks why. */

export interface SettledEvent {
  /** When the consumer took it, and when it had settled it: milliseconds since 1970. */
  readonly receivedAtMs: number;
  readonly settledAtMs: number;
  /** Those that it was mapped to; the first ones when there are many. */
  readonly audiences: readonly string[];
  /** How many audiences it was mapped to altogether. */
  readonly count: number;
  /** Why it was not delivered; absent when it was. */
  readonly deadLetter?:
    | { readonly code: string; readonly message: string; readonly path?: string | undefined }
    | undefined;
}

/** More would make a notice to ten thousand users a page of JSON. */
export const AUDIENCES_KEPT = 20;

export interface EventIdentity {
  readonly source: string;
  readonly id: string;
}

/** Redis and memory implement it. */
export interface Outcomes {
  /** Remembers the latest of what became of an event. MUST NOT throw or hold anybody up: an event is delivered without it too. */
  record(event: EventIdentity, settled: SettledEvent): void;

  /** What became of the events with this id, by their sources. Rejects while the store is away. */
  find(id: string): Promise<ReadonlyMap<string, SettledEvent>>;
}
