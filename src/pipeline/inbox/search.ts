/** Where events stand in a user's logs, by their names: newest first, and not further than a request may look. */
import type { Audience } from '../../contract/audience.ts';
import { type Envelope, envelopeIn } from '../../contract/notification.ts';
import { identityOf } from './inbox.ts';
import { LogReader } from './log-reader.ts';
import type { ReadInbox } from './metered-inbox.ts';
import { type Ranges, union } from './ranges.ts';
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

/**
 * The places of the events with these names, copies in several logs included. `nameOf`: an event's id, or what identifies it
 * from all others. What is not there any more is passed over, and so is what lies behind `maxEntries` of the newest.
 * Copies of one event are appended at about the same time, so nobody has to read all of every log.
 */
export async function findEvents(
  inbox: ReadInbox,
  logs: readonly UserLog[],
  names: ReadonlySet<string>,
  nameOf: (envelope: Envelope) => string,
  maxEntries: number,
): Promise<FoundEntry> {
  const offsets = new Map<Audience, Ranges>();
  const events = new Map<string, EventName>();
  const missing = new Set(names);
  let oldestMs = Number.POSITIVE_INFINITY;
  let reading = logs.map(
    ({ audience, head, marks: { since } }) =>
      new LogReader(
        (...range) => inbox.readEnvelopes(...range),
        audience,
        head.offset > since ? [[since + 1, head.offset]] : [],
      ),
  );
  let count = firstReadOf(MAX_READ, logs.length);
  let asked = 0;
  while (reading.length > 0 && asked < maxEntries) {
    const atOnce = Math.max(1, Math.min(count, Math.floor((maxEntries - asked) / reading.length)));
    await Promise.all(reading.map((reader) => reader.readMore(atOnce)));
    asked += atOnce * reading.length;
    count = Math.min(2 * count, MAX_READ);
    const reachedMs = new Map<LogReader, number>();
    for (const reader of reading) {
      for (let entry = reader.take(); entry !== undefined; entry = reader.take()) {
        reachedMs.set(reader, entry.appendedAtMs);
        const envelope = envelopeIn(entry.json);
        const name = nameOf(envelope);
        if (!names.has(name)) continue;
        events.set(identityOf(envelope), { id: envelope.id, source: envelope.source });
        missing.delete(name);
        oldestMs = Math.min(oldestMs, entry.appendedAtMs);
        const known = offsets.get(reader.audience) ?? [];
        offsets.set(reader.audience, union(known, [[entry.offset, entry.offset]]));
      }
    }
    const untilMs = missing.size > 0 ? Number.NEGATIVE_INFINITY : oldestMs - COPIES_APART_MS;
    reading = reading.filter((reader) => reader.needsMore && (reachedMs.get(reader) ?? 0) >= untilMs);
  }
  return { offsets, events: [...events.values()] };
}
