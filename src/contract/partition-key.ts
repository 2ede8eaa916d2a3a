/** The key of an event that Carillon publishes itself: events with the same one keep their order. */
import type { ReadEvent } from './cloudevent.ts';

/** A header has no room for more. What begins alike is in one partition, and so in order too. */
const MAX_CHARACTERS = 256;

/**
 * The extension `partitionkey`, else the first audience that the event names, else its source. What routes make of it is
 * not asked: each process may have other ones.
 */
export function partitionKeyOf({ event, envelope }: ReadEvent): string {
  const { partitionkey } = envelope;
  const named = typeof partitionkey === 'string' && partitionkey !== '' ? partitionkey : undefined;
  return (named ?? event.audience?.[0] ?? event.source).slice(0, MAX_CHARACTERS);
}
