/** The trail: what became of each event, kept as long as repeats are recognised, for whoever asks why. */
import { z } from 'zod';

export const settledEventSchema = z.object({
  /** When the consumer took it, and when it had settled it. */
  receivedAt: z.iso.datetime(),
  settledAt: z.iso.datetime(),
  /** Those that it was mapped to; the first ones when there are many. */
  audiences: z.array(z.string()),
  /** How many audiences it was mapped to altogether. */
  count: z.int(),
  /** Why it was not delivered; absent when it was. */
  deadLetter: z.object({ code: z.string(), message: z.string(), path: z.string().optional() }).optional(),
});

export type SettledEvent = Readonly<z.infer<typeof settledEventSchema>>;

/** More would make a notice to ten thousand users a page of JSON. */
export const AUDIENCES_KEPT = 20;

export interface EventIdentity {
  readonly source: string;
  readonly id: string;
}

/** Redis and memory implement it. */
export interface Trail {
  /** Remembers the latest of what became of an event. MUST NOT throw or hold anybody up: an event is delivered without it too. */
  record(event: EventIdentity, settled: SettledEvent): void;

  /** What became of the events with this id, by their sources. Rejects while the store is away. */
  find(id: string): Promise<ReadonlyMap<string, SettledEvent>>;
}
