/**
 * The newest envelopes of shared logs, in this process's memory. A gateway sees every notification of the rooms that it
 * hosts, so a session's beginning and a page of an inbox need not ask Redis for what thousands of users share.
 *
 * What is kept of a log is exact: consecutive offsets, the last of which is at least the head that a request goes by,
 * under the same epoch. Whatever else may have happened, it is not used, and the log is read again.
 */
import { type Audience, audienceKind } from '../../contract/audience.ts';
import { RETRACTION_TYPE } from '../../contract/event.ts';
import { type Cursor, envelopeIn, parseNotification } from '../../contract/notification.ts';
import { momentOf } from '../../contract/rfc3339.ts';
import { isUnavailable } from '../../resilience/unavailable.ts';
import { type Inbox, type InboxLimits, retractedBy, type StoredEnvelope, storedEnvelopeOf } from './inbox.ts';
import { jsonOfPacket, type LiveMessage } from './live-message.ts';
import { difference, intersection, NO_RANGES, newestOf, type Ranges } from './ranges.ts';

/** Of one log: as many as a badge counts, and some that are hidden or expired. */
const MAX_ENTRIES = 200;

/** Of all logs together: 17 MB where ids have 50 characters. */
const MAX_TOTAL = 25_000;

/** An envelope, and the newest offset of what hides it; 0 when nothing does. */
interface RecentEnvelope extends StoredEnvelope {
  hiddenBy: number;
}

/** The newest of the offsets asked for, newest first, and those that are left. */
export interface Taken {
  readonly entries: readonly RecentEnvelope[];
  readonly rest: Ranges;
}

/** The port through which an inbox reads what is in memory. */
export interface RecentLogs {
  /** Undefined when the next of these offsets is not in memory: the log has to be read. */
  take(audience: Audience, head: Cursor, offsets: Ranges, count: number): Taken | undefined;

  /**
   * Reads the newest of a log into memory, if this node hosts its room and has not read it. Resolves with how many
   * entries this call has read. Afterwards {@link take} may still refuse. Never rejects.
   */
  load(audience: Audience, head: Cursor): Promise<number>;
}

export interface RecentEntriesOptions {
  readonly inbox: Pick<Inbox, 'readEnvelopes' | 'shadows'>;
  readonly maxLength: InboxLimits['maxLength'];
  /** The log cannot be kept in memory with its present head, and not because Redis is away. */
  readonly onFault: (audience: Audience, error: unknown) => void;
}

/** A log's newest entries up to its last one. */
interface RecentLog {
  readonly epoch: string;
  /** Oldest first, without a hole. */
  readonly entries: RecentEnvelope[];
  /** The log holds nothing that is older. */
  isWhole: boolean;
}

interface Hosted {
  log: RecentLog | undefined;
  loading: Promise<number> | undefined;
  /** With this head the log could not be kept in memory. */
  unfit: Cursor | undefined;
  /** What arrived while the log was being read. */
  arrived: LiveMessage[];
}

export class RecentEntries implements RecentLogs {
  readonly #options: RecentEntriesOptions;
  /** The shared rooms that this node hosts; those whose logs were used last come last. */
  readonly #hosted = new Map<Audience, Hosted>();
  #total = 0;

  constructor(options: RecentEntriesOptions) {
    this.#options = options;
  }

  /** From here on {@link passedOn} gets the notifications of the room; one that it does not get is seen as a hole. */
  hosted(audience: Audience): void {
    const kind = audienceKind(audience);
    if (kind !== 'global' && kind !== 'department') return;
    this.#hosted.set(audience, { log: undefined, loading: undefined, unfit: undefined, arrived: [] });
  }

  left(audience: Audience): void {
    this.#forget(this.#hosted.get(audience));
    this.#hosted.delete(audience);
  }

  passedOn(audience: Audience, message: LiveMessage): void {
    const hosted = this.#hosted.get(audience);
    if (hosted === undefined) return;
    if (hosted.loading !== undefined) {
      // Beyond that there will be a hole, and the log is read again.
      if (hosted.arrived.length < MAX_ENTRIES) hosted.arrived.push(message);
    } else if (hosted.log !== undefined) this.#add(hosted, hosted.log, audience, message);
  }

  take(audience: Audience, head: Cursor, offsets: Ranges, count: number): Taken | undefined {
    const hosted = this.#hosted.get(audience);
    const log = hosted?.log;
    const [first, last] = [log?.entries[0]?.offset, log?.entries.at(-1)?.offset];
    if (hosted === undefined || log === undefined || first === undefined || last === undefined)
      return undefined;
    if (!reaches(log, head)) return undefined;
    const inMemory = intersection(offsets, [[first, last]]);
    if (inMemory.length === 0) return log.isWhole ? { entries: [], rest: NO_RANGES } : undefined;
    this.#hosted.delete(audience);
    this.#hosted.set(audience, hosted);
    const { top } = newestOf(inMemory, count);
    const entries: RecentEnvelope[] = [];
    for (const [from, to] of top) {
      for (let at = to; at >= from; at -= 1) {
        const entry = log.entries[at - first];
        if (entry !== undefined) entries.push(entry);
      }
    }
    return { entries, rest: difference(offsets, top.toReversed()) };
  }

  async load(audience: Audience, head: Cursor): Promise<number> {
    const hosted = this.#hosted.get(audience);
    if (hosted === undefined || isSamePlace(hosted.unfit, head)) return 0;
    const { log } = hosted;
    // Whoever looks further back than memory reaches reads on, and leaves it to the others.
    if (log !== undefined && reaches(log, head)) return 0;
    if (hosted.loading !== undefined) {
      await hosted.loading;
      return 0;
    }
    hosted.loading = this.#load(audience, hosted, head);
    return await hosted.loading;
  }

  async #load(audience: Audience, hosted: Hosted, head: Cursor): Promise<number> {
    const { inbox } = this.#options;
    const { epoch, offset } = head;
    this.#forget(hosted);
    try {
      const most = this.#mostOf(audience);
      const first = Math.max(1, offset - most + 1);
      // Shadows come second: whatever hides an entry that was read, and is not behind it, is among them.
      const newestFirst = await inbox.readEnvelopes(audience, first, offset, most);
      const { newest, retracted } = await inbox.shadows(audience);
      const entries = newestFirst.toReversed().map((entry) => {
        const replaced = entry.collapseKey === undefined ? 0 : (newest.get(entry.collapseKey) ?? 0);
        const hiddenBy = Math.max(replaced, retracted.get(entry.identity) ?? 0);
        return { ...entry, hiddenBy: hiddenBy > entry.offset ? hiddenBy : 0 };
      });
      const last = entries.at(-1);
      // An entry of the present epoch shows that nobody has replaced what was read with it.
      const isExact = last?.epoch === epoch && last.offset === offset && isConsecutive(entries);
      hosted.unfit = isExact ? undefined : head;
      const isHosted = this.#hosted.get(audience) === hosted;
      if (!isExact || !isHosted) return entries.length;
      const isWhole = first === 1 || entries.length < offset - first + 1;
      hosted.log = { epoch, entries, isWhole };
      this.#total += entries.length;
      for (const message of hosted.arrived) {
        if (hosted.log !== undefined) this.#add(hosted, hosted.log, audience, message);
      }
      this.#makeRoom(hosted);
      return entries.length;
    } catch (error) {
      // Whoever wanted it reads the log now, and meets what is wrong with it, if that concerns them.
      this.#forget(hosted);
      if (isUnavailable(error)) return 0;
      hosted.unfit = head;
      this.#options.onFault(audience, error);
      return 0;
    } finally {
      hosted.loading = undefined;
      hosted.arrived = [];
    }
  }

  #add(hosted: Hosted, log: RecentLog, audience: Audience, message: LiveMessage): void {
    const last = log.entries.at(-1)?.offset ?? 0;
    if (message.epoch === log.epoch && message.offset <= last) return;
    const entry =
      message.epoch === log.epoch && message.offset === last + 1 ? envelopeOf(message) : undefined;
    if (entry === undefined) {
      this.#forget(hosted);
      return;
    }
    const { envelope, retracts } = entry;
    if (envelope.collapseKey !== undefined || retracts !== undefined) hide(log, envelope, retracts);
    log.entries.push({ ...envelope, hiddenBy: 0 });
    this.#total += 1;
    if (log.entries.length > this.#mostOf(audience)) {
      log.entries.shift();
      this.#total -= 1;
      log.isWhole = false;
    }
    this.#makeRoom(hosted);
  }

  #mostOf(audience: Audience): number {
    return Math.min(MAX_ENTRIES, this.#options.maxLength[audienceKind(audience)]);
  }

  /** Forgets the logs that were not used for the longest. */
  #makeRoom(latest: Hosted): void {
    if (this.#total <= MAX_TOTAL) return;
    for (const hosted of this.#hosted.values()) {
      if (this.#total <= MAX_TOTAL) return;
      if (hosted !== latest) this.#forget(hosted);
    }
  }

  #forget(hosted: Hosted | undefined): void {
    if (hosted?.log === undefined) return;
    this.#total -= hosted.log.entries.length;
    hosted.log = undefined;
  }
}

/** Notes what an envelope hides: what it replaces, and what it takes back. */
function hide(log: RecentLog, { offset, collapseKey }: StoredEnvelope, retracts: string | undefined): void {
  for (const earlier of log.entries) {
    const isReplaced = collapseKey !== undefined && earlier.collapseKey === collapseKey;
    if (isReplaced || earlier.identity === retracts) earlier.hiddenBy = offset;
  }
}

/** Whether it is of the log with this head, and has everything up to it. */
function reaches({ epoch, entries }: RecentLog, head: Cursor): boolean {
  return epoch === head.epoch && (entries.at(-1)?.offset ?? 0) >= head.offset;
}

function isSamePlace(place: Cursor | undefined, { epoch, offset }: Cursor): boolean {
  return place?.epoch === epoch && place.offset === offset;
}

function isConsecutive(entries: readonly StoredEnvelope[]): boolean {
  return entries.every(({ offset }, i) => offset === (entries[0]?.offset ?? 0) + i);
}

interface Parsed {
  readonly envelope: StoredEnvelope;
  readonly retracts: string | undefined;
}

/** Undefined for what was appended by a version that did not write when. */
function envelopeOf({ packet, epoch, offset }: LiveMessage): Parsed | undefined {
  const json = jsonOfPacket(packet);
  const envelope = envelopeIn(json);
  if (envelope.at === undefined) return undefined;
  const expiresAtMs = envelope.expirytime === undefined ? undefined : momentOf(envelope.expirytime);
  return {
    envelope: storedEnvelopeOf(envelope, { epoch, offset }, envelope.at, expiresAtMs),
    retracts: envelope.type === RETRACTION_TYPE ? retractedBy(parseNotification(json)) : undefined,
  };
}
