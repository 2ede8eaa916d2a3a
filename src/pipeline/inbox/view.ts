/**
 * A user's view over the logs that are theirs: merged newest first, without what is expired, taken back or replaced,
 * and with an event that came by several audiences once.
 */
import { type Audience, audienceKind } from '../../contract/audience.ts';
import { RETRACTION_TYPE } from '../../contract/event.ts';
import type { InboxFilter } from '../../contract/inbox.ts';
import type { Cursor } from '../../contract/notification.ts';
import type { InboxLimits, Shadows } from './inbox.ts';
import { LogReader, type ReadEnvelope } from './log-reader.ts';
import type { LogMarks } from './marks.ts';
import type { ReadInbox } from './metered-inbox.ts';
import { digestOf, type Position } from './position.ts';
import { difference, intersection, NO_RANGES, type Ranges } from './ranges.ts';

export interface UserLog {
  readonly audience: Audience;
  readonly head: Cursor;
  readonly marks: LogMarks;
}

export interface ViewItem {
  readonly envelope: ReadEnvelope;
  readonly log: UserLog;
  /** When it leaves by itself. */
  readonly endsAtMs: number;
}

/** How long what was read stays shown, and how many newer entries of its log it survives. */
export interface Hold {
  readonly untilMs: number;
  readonly spare: number;
}

/** How long each kind of log keeps its entries. */
export type Kept = Pick<InboxLimits, 'maxLength' | 'maxAgeMs'>;

/** How many of the last page's identities the next one gets. */
export const REMEMBERED = 20;

/** Of a log at a time: few at first when there are many logs, and then twice as many each time. */
const [MIN_READ, MAX_READ] = [10, 200];

const RECENT_AT_ONCE = 50;

export class View {
  readonly #inbox: ReadInbox;
  readonly #logs: ReadonlyMap<Audience, UserLog>;
  readonly #readers: readonly LogReader[];
  /** Identities of what was taken: copies of one event stand close together, in whichever logs they are. */
  readonly #shownAlready = new Set<string>();
  /** Digests of what was taken on earlier pages. */
  readonly #shownBefore: ReadonlySet<string>;
  readonly #shadows = new Map<Audience, Shadows>();
  /** Logs of which the newest were to be read into memory. */
  readonly #loaded = new Set<Audience>();
  /** How many entries of each log are read next. */
  readonly #nextReads = new Map<LogReader, number>();
  readonly #nowMs: number;
  readonly #maxEntries: number;
  readonly #kept: Kept;
  #asked = 0;
  #isCut = false;
  #untilMs = Number.POSITIVE_INFINITY;
  #spare = Number.POSITIVE_INFINITY;

  /**
   * Reads envelopes only. `from` undefined: from the heads on. `wanted`: how many will be taken. `maxEntries`: of those
   * that are looked at; then the view ends, and {@link isCut}.
   */
  constructor(
    inbox: ReadInbox,
    logs: readonly UserLog[],
    filter: InboxFilter,
    options: {
      readonly from?: Position | undefined;
      readonly wanted: number;
      readonly maxEntries: number;
      readonly kept: Kept;
      readonly nowMs: number;
    },
  ) {
    this.#shownBefore = new Set(options.from?.shown);
    this.#inbox = inbox;
    this.#nowMs = options.nowMs;
    this.#maxEntries = options.maxEntries;
    this.#kept = options.kept;
    this.#logs = new Map(logs.map((log) => [log.audience, log]));
    const firstRead = firstReadOf(options.wanted, logs.length);
    this.#readers = logs.map((log) => {
      const last = options.from === undefined ? log.head.offset : (options.from.offsets[log.audience] ?? 0);
      const offsets = offsetsIn(log, filter, last, options.kept);
      const reader = new LogReader(inbox, log, offsets);
      this.#nextReads.set(reader, firstRead);
      return reader;
    });
  }

  /** It ended before the logs did: what is older has not been looked at. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** Of what was taken. */
  get hold(): Hold {
    return { untilMs: this.#untilMs, spare: this.#spare };
  }

  /** Where each log would go on, on a page that goes on from here. */
  get offsets(): Position['offsets'] {
    return Object.fromEntries(this.#readers.map(({ audience, position }) => [audience, position]));
  }

  /** The next newest that is shown, or undefined at the end. */
  async next(): Promise<ViewItem | undefined> {
    for (;;) {
      if (this.#mustRead()) await this.#readMore();
      if (this.#isCut) return undefined;
      const newest = this.#readers.reduce<LogReader | undefined>(newerOf, undefined);
      const entry = newest?.next;
      const log = newest === undefined ? undefined : this.#logs.get(newest.audience);
      if (newest === undefined || entry === undefined || log === undefined) return undefined;
      const shown = this.#shown(entry, log);
      if (shown !== undefined) return shown;
      newest.take();
    }
  }

  /** Leaves what {@link next} gave behind. */
  take(item: ViewItem): void {
    this.#remember(item);
    this.#readers.reduce<LogReader | undefined>(newerOf, undefined)?.take();
  }

  /**
   * How many are shown from here on, up to `max`. In no order: what is in memory comes first, and often that is enough.
   * Afterwards the view MUST NOT be used for anything else.
   */
  async count(max: number): Promise<number> {
    let count = 0;
    for (;;) {
      const mustRead = this.#mustRead();
      for (const reader of this.#readers) {
        const log = this.#logs.get(reader.audience);
        for (let entry = reader.next; entry !== undefined && log !== undefined; entry = reader.next) {
          const item = this.#shown(entry, log);
          if (item !== undefined) {
            this.#remember(item);
            count += 1;
            if (count === max) return count;
          }
          reader.take();
        }
      }
      if (mustRead) await this.#readMore();
      else if (!this.#readers.some(({ needsMore }) => needsMore)) return count;
      if (this.#isCut) return count;
    }
  }

  /** What is shown counts once, and says how long the answer holds. */
  #remember({ envelope: { identity, offset }, log, endsAtMs }: ViewItem): void {
    this.#shownAlready.add(identity);
    const kept = this.#kept.maxLength[audienceKind(log.audience)];
    this.#untilMs = Math.min(this.#untilMs, endsAtMs);
    this.#spare = Math.min(this.#spare, offset + kept - 1 - log.head.offset);
  }

  /** Takes what is in memory. Returns whether the next of some log is not there, and has to be read. */
  #mustRead(): boolean {
    let mustRead = false;
    for (const reader of this.#readers) {
      while (reader.needsMore && this.#takeRecent(reader)) {
        // Until it has entries, or none is left in memory.
      }
      mustRead ||= reader.needsMore;
    }
    return mustRead;
  }

  /** Which the newest of all is, is known only when each log's next is. */
  async #readMore(): Promise<void> {
    while (this.#mustRead()) {
      this.#isCut = this.#asked >= this.#maxEntries;
      if (this.#isCut) return;
      const hungry = this.#readers.filter(({ needsMore }) => needsMore);
      await Promise.all(hungry.map((reader) => this.#readMoreOf(reader)));
    }
  }

  async #readMoreOf(reader: LogReader): Promise<void> {
    const { audience } = reader;
    if (!this.#loaded.has(audience)) {
      this.#loaded.add(audience);
      const head = this.#logs.get(audience)?.head;
      if (head !== undefined) await this.#inbox.recent?.load(audience, head);
      if (this.#takeRecent(reader)) return;
    }
    await Promise.all([this.#loadShadows(audience), reader.readMore(this.#nextReadOf(reader))]);
  }

  #takeRecent(reader: LogReader): boolean {
    return reader.takeRecent(RECENT_AT_ONCE);
  }

  #nextReadOf(reader: LogReader): number {
    const count = this.#nextReads.get(reader) ?? MIN_READ;
    this.#nextReads.set(reader, Math.min(2 * count, MAX_READ));
    this.#asked += count;
    return count;
  }

  async #loadShadows(audience: Audience): Promise<void> {
    if (!this.#shadows.has(audience)) this.#shadows.set(audience, await this.#inbox.shadows(audience));
  }

  #wasShown(identity: string): boolean {
    if (this.#shownAlready.has(identity)) return true;
    return this.#shownBefore.size > 0 && this.#shownBefore.has(digestOf(identity));
  }

  #shown(envelope: ReadEnvelope, log: UserLog): ViewItem | undefined {
    const { expiresAtMs = Number.POSITIVE_INFINITY, appendedAtMs, offset, type, identity } = envelope;
    // What is too old goes when something is appended: nobody knows when that will be, so it is not shown before.
    const endsAtMs = Math.min(expiresAtMs, appendedAtMs + this.#kept.maxAgeMs[audienceKind(log.audience)]);
    if (endsAtMs <= this.#nowMs) return undefined;
    if (type === RETRACTION_TYPE || this.#wasShown(identity)) return undefined;
    const hiddenBy = envelope.hiddenBy ?? this.#hiddenBy(envelope, log.audience);
    if (hiddenBy > offset) {
      // What hides it is behind the head that this view goes by: who gets that next would take it away once more.
      if (hiddenBy > log.head.offset) this.#untilMs = Math.min(this.#untilMs, this.#nowMs);
      return undefined;
    }
    return { envelope, log, endsAtMs };
  }

  #hiddenBy({ identity, collapseKey }: ReadEnvelope, audience: Audience): number {
    const { newest, retracted } = this.#shadows.get(audience) ?? NO_SHADOWS;
    const replaced = collapseKey === undefined ? 0 : (newest.get(collapseKey) ?? 0);
    return Math.max(retracted.get(identity) ?? 0, replaced);
  }
}

/** One look is enough where there are few logs, as mostly; where there are many, most of what is read comes of a few. */
export function firstReadOf(wanted: number, logs: number): number {
  const share = Math.ceil((4 * wanted) / Math.max(1, logs));
  return Math.min(Math.max(share, MIN_READ), Math.max(wanted, MIN_READ), MAX_READ);
}

const NO_SHADOWS: Shadows = { newest: new Map(), retracted: new Map() };

/** What is older came before the user belonged to the audience, or its log does not hold it any more. */
export function firstShownOf({ audience, head, marks: { since } }: UserLog, { maxLength }: Kept): number {
  return Math.max(since, head.offset - maxLength[audienceKind(audience)]) + 1;
}

function offsetsIn(log: UserLog, filter: InboxFilter, last: number, kept: Kept): Ranges {
  const { marks, head } = log;
  const first = firstShownOf(log, kept);
  const end = Math.min(last, head.offset);
  const all: Ranges = end >= first ? [[first, end]] : NO_RANGES;
  switch (filter) {
    case 'all':
      return difference(all, marks.archived);
    case 'unseen':
      return difference(difference(all, marks.archived), marks.seen);
    case 'unread':
      return difference(difference(all, marks.archived), marks.read);
    case 'archived':
      return intersection(marks.archived, all);
  }
}

/** Newest first by when they were appended; the same moment by name, so that pages are stable. */
function newerOf(best: LogReader | undefined, reader: LogReader): LogReader | undefined {
  if (reader.next === undefined) return best;
  if (best?.next === undefined) return reader;
  const difference = reader.next.appendedAtMs - best.next.appendedAtMs;
  return difference > 0 || (difference === 0 && reader.audience < best.audience) ? reader : best;
}
