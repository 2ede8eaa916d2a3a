/** An inbox as one request reads it: what is read is charged to it, and what decides over whole logs is read once. */
import type { Audience } from '../../contract/audience.ts';
import type { Inbox, Shadows } from './inbox.ts';
import { costOfRead, type Meter } from './meter.ts';
import type { RecentLogs } from './recent-entries.ts';

export interface ReadInbox extends Pick<Inbox, 'heads' | 'read' | 'readEnvelopes' | 'places' | 'shadows'> {
  /** Undefined where nothing is kept in memory. */
  readonly recent: RecentLogs | undefined;
}

/** Places are short, and many come in one answer; and what is in memory is not read. */
const PLACES_PER_UNIT = 10;

/** `meter` undefined: nobody is charged. */
export function meteredInbox(
  inbox: Omit<ReadInbox, 'recent'>,
  recent: RecentLogs | undefined,
  meter: Meter | undefined,
): ReadInbox {
  const shadows = new Map<Audience, Promise<Shadows>>();
  const readShadows = async (audience: Audience) => {
    const read = await inbox.shadows(audience);
    meter?.spend(1 + (read.newest.size + read.retracted.size) / PLACES_PER_UNIT);
    return read;
  };
  return {
    heads: (audiences) => inbox.heads(audiences),
    // One more for each: an answer without entries is one too.
    read: async (...range) => {
      const entries = await inbox.read(...range);
      meter?.spend(1 + costOfRead(entries));
      return entries;
    },
    readEnvelopes: async (...range) => {
      const entries = await inbox.readEnvelopes(...range);
      meter?.spend(1 + entries.length);
      return entries;
    },
    places: async (audience, identities) => {
      const places = await inbox.places(audience, identities);
      meter?.spend(1 + places.length / PLACES_PER_UNIT);
      return places;
    },
    recent: recent && {
      take: (...which) => {
        const taken = recent.take(...which);
        if (taken !== undefined) meter?.spend(taken.entries.length / PLACES_PER_UNIT);
        return taken;
      },
      load: async (...log) => {
        const entries = await recent.load(...log);
        meter?.spend(entries);
        return entries;
      },
    },
    shadows: (audience) => {
      const known = shadows.get(audience) ?? readShadows(audience);
      shadows.set(audience, known);
      return known;
    },
  };
}
