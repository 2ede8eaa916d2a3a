/** Where events stand in a user's logs, by their names. */
import type { Audience } from '../../contract/audience.ts';
import { identityOf, type StoredEnvelope } from './inbox.ts';
import { LogReader } from './log-reader.ts';
import type { ReadInbox } from './metered-inbox.ts';
import { contains, NO_RANGES, type Ranges, union } from './ranges.ts';
import { firstReadOf, type UserLog } from './view.ts';

/** How far apart in time the copies of one event may stand in their logs, when one of them had to wait. */
const COPIES_APART_MS = 60_000;

const MAX_READ = 200;

/** What identifies an event among all others. */
interface EventName {
  readonly id: string;
  readonly source: string;
}

export interface FoundEntry {
  readonly offsets: ReadonlyMap<Audience, Ranges>;
  /** Which events stand there. */
  readonly events: readonly EventName[];
}

interface Searched {
  readonly inbox: ReadInbox;
  readonly logs: readonly UserLog[];
  /** Of the newest that are looked at, in all logs together. */
  readonly maxEntries: number;
}

/**
 * The places of these events, copies in several logs included. Logs know the places of what was appended after
 * `knownSinceMs`; for anything else they are searched.
 */
export async function findEvents(
  searched: Searched,
  names: readonly EventName[],
  knownSinceMs: number,
): Promise<FoundEntry> {
  const identities = names.map(identityOf);
  const known = await knownEntries(searched, identities);
  // A copy that stands in another log may be a little older, and then its place may be forgotten already.
  const sureSinceMs = knownSinceMs + COPIES_APART_MS;
  const sure = known.filter(([, { appendedAtMs }]) => appendedAtMs > sureSinceMs);
  const isSure = new Set(sure.map(([, { identity }]) => identity));
  const missing = new Set(identities.filter((identity) => !isSure.has(identity)));
  const rest = missing.size === 0 ? [] : await search(searched, missing, ({ identity }) => identity);
  return foundIn([...known, ...rest]);
}

/** The places of all events with these ids, whatever their source: among the newest of the logs. */
export async function findIds(searched: Searched, ids: readonly string[]): Promise<FoundEntry> {
  return foundIn(await search(searched, new Set(ids), ({ id }) => id));
}

type Found = readonly (readonly [Audience, StoredEnvelope])[];

function foundIn(found: Found): FoundEntry {
  const offsets = new Map<Audience, Ranges>();
  const events = new Map<string, EventName>();
  for (const [audience, { identity, id, source, offset }] of found) {
    events.set(identity, { id, source });
    offsets.set(audience, union(offsets.get(audience) ?? NO_RANGES, [[offset, offset]]));
  }
  return { offsets, events: [...events.values()] };
}

/** What stands where each log remembers to have put these events; after a loss of data it may be another event. */
async function knownEntries({ inbox, logs }: Searched, identities: readonly string[]): Promise<Found> {
  const wanted = new Set(identities);
  const entries = await Promise.all(
    logs.map(async (log) => {
      const all = offsetsOf(log);
      const places = await inbox.places(log.audience, identities);
      const offsets = places.flatMap((place) =>
        place !== undefined && contains(all, place.offset) ? [[place.offset, place.offset] as const] : [],
      );
      const reader = new LogReader(inbox, log, union(NO_RANGES, offsets));
      const found: (readonly [Audience, StoredEnvelope])[] = [];
      while (reader.needsMore) {
        if (!reader.takeRecent(offsets.length)) await reader.readMore(offsets.length);
        for (let entry = reader.take(); entry !== undefined; entry = reader.take()) {
          if (wanted.has(entry.identity)) found.push([log.audience, entry]);
        }
      }
      return found;
    }),
  );
  return entries.flat();
}

/**
 * Newest first, and not further than a request may look. Copies of one event are appended at about the same time, so
 * nobody has to read all of every log.
 */
async function search(
  { inbox, logs, maxEntries }: Searched,
  names: ReadonlySet<string>,
  nameOf: (entry: StoredEnvelope) => string,
): Promise<Found> {
  const found: (readonly [Audience, StoredEnvelope])[] = [];
  const missing = new Set(names);
  let oldestMs = Number.POSITIVE_INFINITY;
  let reading = logs.map((log) => new LogReader(inbox, log, offsetsOf(log)));
  let count = firstReadOf(MAX_READ, logs.length);
  let asked = 0;
  while (reading.length > 0 && asked < maxEntries) {
    const atOnce = Math.max(1, Math.min(count, Math.floor((maxEntries - asked) / reading.length)));
    await Promise.all(reading.map((reader) => reader.takeRecent(atOnce) || reader.readMore(atOnce)));
    asked += atOnce * reading.length;
    count = Math.min(2 * count, MAX_READ);
    const reachedMs = new Map<LogReader, number>();
    for (const reader of reading) {
      for (let entry = reader.take(); entry !== undefined; entry = reader.take()) {
        reachedMs.set(reader, entry.appendedAtMs);
        const name = nameOf(entry);
        if (!names.has(name)) continue;
        missing.delete(name);
        oldestMs = Math.min(oldestMs, entry.appendedAtMs);
        found.push([reader.audience, entry]);
      }
    }
    const untilMs = missing.size > 0 ? Number.NEGATIVE_INFINITY : oldestMs - COPIES_APART_MS;
    reading = reading.filter((reader) => reader.needsMore && (reachedMs.get(reader) ?? 0) >= untilMs);
  }
  return found;
}

function offsetsOf({ head, marks: { since } }: UserLog): Ranges {
  return head.offset > since ? [[since + 1, head.offset]] : NO_RANGES;
}
