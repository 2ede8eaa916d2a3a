/** The user's inbox over an Inbox and a MarksStore: lists, counts and marks, for the socket and for HTTP alike. */
import { type Audience, audienceKind } from '../contract/audience.ts';
import {
  type Counts,
  type InboxAnswer,
  type InboxFilter,
  type InboxItem,
  type InboxPage,
  type InboxQuery,
  MAX_COUNT,
  type MarkAnswer,
  type MarkRequest,
  type UserInbox,
} from '../contract/inbox.ts';
import { encodeMarksMessage } from '../contract/live-message.ts';
import { type Cursor, EMPTY_HEAD, envelopeIn, type Notification } from '../contract/notification.ts';
import { type Inbox, type InboxLimits, InboxUnavailable } from './inbox.ts';
import { LogReader } from './log-reader.ts';
import { applyMark, type LogMarks, NO_MARKS, rebased, trimmed } from './marks.ts';
import type { MarksStore } from './marks-store.ts';
import { formatPosition, parsePosition } from './position.ts';
import { contains, difference, formatRanges, NO_RANGES, type Ranges, union } from './ranges.ts';
import { type UserLog, View } from './view.ts';

/** Somebody else saved each time in between: then the client may ask again. */
const MAX_ATTEMPTS = 50;

/** How far apart in time the copies of one event may stand in their logs, when one of them had to wait. */
const COPIES_APART_MS = 60_000;

/** Entries looked through at a time for ids to mark. */
const SEARCH_CHUNK = 200;

export interface StoredInboxOptions {
  readonly inbox: Inbox;
  readonly store: MarksStore;
  /** Entries that a log keeps, by kind of audience; marks below are dropped. */
  readonly maxLength: InboxLimits['maxLength'];
  readonly now: () => number;
  /** The user was shown the log of their own up to its head. */
  readonly onListed?: (user: string, head: Cursor) => void;
  /** The request has made something read or archived that was not. */
  readonly onRead?: (user: string, as: 'read' | 'archived', request: MarkRequest, origin: string) => void;
}

interface Loaded {
  readonly version: number;
  readonly logs: readonly UserLog[];
}

export class StoredInbox implements UserInbox {
  readonly #options: StoredInboxOptions;

  constructor(options: StoredInboxOptions) {
    this.#options = options;
  }

  async list(
    user: string,
    audiences: readonly Audience[],
    query: InboxQuery,
  ): Promise<InboxAnswer<InboxPage>> {
    const from = query.before === undefined ? undefined : parsePosition(query.before);
    if (query.before !== undefined && from === undefined) {
      return refused('bad_request', 'before: must be the next of another page');
    }
    const { inbox, now } = this.#options;
    const { logs } = await this.#load(user, this.#heads(audiences));
    const view = new View(inbox, logs, query.filter, { from, chunk: query.limit + 1, nowMs: now() });
    const [page, counts] = await Promise.all([pageOf(view, query.limit), this.#count(logs)]);
    const own = logs.find(({ audience }) => audience === `user:${user}`);
    if (own !== undefined) this.#options.onListed?.(user, own.head);
    return { ok: true, value: { ...page, ...counts } };
  }

  async mark(
    user: string,
    audiences: readonly Audience[],
    request: MarkRequest,
    origin: string,
  ): Promise<InboxAnswer<MarkAnswer>> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const { version, logs } = await this.#load(user, this.#heads(audiences));
      const meant = await this.#meant(logs, request);
      if (!meant.ok) return meant;
      const marked = logs.map((log) => this.#marked(log, request.as, meant.value.get(log.audience)));
      const answer = { ...(await this.#count(marked)), version: version + 1 };
      const changed = new Map(
        marked.filter((log, i) => log !== logs[i]).map(({ audience, marks }) => [audience, marks]),
      );
      const upTo = request.all
        ? { upTo: Object.fromEntries(logs.map((log) => [log.audience, log.head.offset])) }
        : {};
      const message = encodeMarksMessage(origin, { ...request, ...upTo, ...answer });
      if (await this.#options.store.save(user, version, changed, message)) {
        this.#tellRead(user, request, origin, logs, marked);
        return { ok: true, value: answer };
      }
    }
    throw new InboxUnavailable(`the marks of user ${user} changed ${MAX_ATTEMPTS} times in between`);
  }

  async open(user: string, places: ReadonlyMap<Audience, Cursor>): Promise<Counts> {
    return await this.#count((await this.#load(user, Promise.resolve(places))).logs);
  }

  #tellRead(
    user: string,
    request: MarkRequest,
    origin: string,
    before: readonly UserLog[],
    after: readonly UserLog[],
  ): void {
    const { onRead } = this.#options;
    const { as } = request;
    if (onRead === undefined || (as !== 'read' && as !== 'archived')) return;
    // What is archived was read, so that this tells both.
    const isMore = after.some(
      ({ marks }, i) => difference(marks[as], before[i]?.marks[as] ?? NO_RANGES).length > 0,
    );
    if (isMore) onRead(user, as, request, origin);
  }

  async #heads(audiences: readonly Audience[]): Promise<ReadonlyMap<Audience, Cursor>> {
    const heads = await this.#options.inbox.heads(audiences);
    return new Map(audiences.map((audience, i) => [audience, heads[i] ?? EMPTY_HEAD]));
  }

  /** The user's logs up to the places given. A department that was never seen before counts from its place on. */
  async #load(user: string, findingPlaces: Promise<ReadonlyMap<Audience, Cursor>>): Promise<Loaded> {
    const { inbox, store } = this.#options;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const [{ version, byAudience }, places] = await Promise.all([store.load(user), findingPlaces]);
      const joined = new Map<Audience, LogMarks>();
      const logs = await Promise.all(
        [...places].map(async ([audience, head]): Promise<UserLog> => {
          const known = byAudience.get(audience);
          if (known === undefined) {
            const isDepartment = audienceKind(audience) === 'department';
            const since = isDepartment ? { since: head.offset } : {};
            const marks = { ...NO_MARKS, epoch: head.epoch, ...since };
            if (isDepartment) joined.set(audience, marks);
            return { audience, head, marks };
          }
          if (known.epoch === head.epoch) return { audience, head, marks: known };
          // Nothing was there to be marked: all that is there now came later.
          if (known.epoch === EMPTY_HEAD.epoch)
            return { audience, head, marks: { ...known, epoch: head.epoch } };
          return { audience, head, marks: rebased(known, head.epoch, await inbox.incarnations(audience)) };
        }),
      );
      if (joined.size === 0) return { version, logs };
      if (await store.save(user, version, joined, undefined)) return { version: version + 1, logs };
    }
    throw new InboxUnavailable(`the marks of user ${user} changed ${MAX_ATTEMPTS} times in between`);
  }

  #marked(log: UserLog, as: MarkRequest['as'], offsets: Ranges | undefined): UserLog {
    if (offsets === undefined) return log;
    const firstKept = log.head.offset - this.#options.maxLength[audienceKind(log.audience)] + 1;
    return { ...log, marks: trimmed(applyMark(log.marks, as, offsets), firstKept) };
  }

  async #count(logs: readonly UserLog[]): Promise<Counts> {
    const { inbox, now } = this.#options;
    const options = { chunk: MAX_COUNT, nowMs: now(), onlyCounts: true };
    const countOf = (filter: InboxFilter) => new View(inbox, logs, filter, options).count(MAX_COUNT);
    // Mostly what was seen was read at once, or nothing was: then one look is enough.
    if (logs.every(({ marks }) => formatRanges(marks.seen) === formatRanges(marks.read))) {
      const count = await countOf('unread');
      return { unseen: count, unread: count };
    }
    const [unseen, unread] = await Promise.all([countOf('unseen'), countOf('unread')]);
    return { unseen, unread };
  }

  /** The offsets that a request means, by audience. */
  async #meant(
    logs: readonly UserLog[],
    { ids, upTo, all }: MarkRequest,
  ): Promise<InboxAnswer<ReadonlyMap<Audience, Ranges>>> {
    if (ids !== undefined) return { ok: true, value: await this.#find(logs, new Set(ids)) };
    const meant = new Map<Audience, Ranges>();
    for (const { audience, head, marks } of logs) {
      const last = all ? head.offset : (upTo?.[audience] ?? 0);
      if (last > head.offset)
        return refused('bad_request', `upTo: the log of ${audience} ends at ${head.offset}`);
      if (last > marks.since) meant.set(audience, [[marks.since + 1, last]]);
    }
    const foreign = Object.keys(upTo ?? {}).find(
      (audience) => !logs.some((log) => log.audience === audience),
    );
    if (foreign !== undefined) return refused('forbidden', `upTo: ${foreign} is not an audience of yours`);
    return { ok: true, value: meant };
  }

  /**
   * The places of these ids in the logs, copies in several logs included. What is not there any more is passed over.
   * Copies of one event are appended at about the same time, so nobody has to read all of every log.
   */
  async #find(logs: readonly UserLog[], ids: ReadonlySet<string>): Promise<ReadonlyMap<Audience, Ranges>> {
    const offsets = new Map<Audience, Ranges>();
    const missing = new Set(ids);
    let oldestMs = Number.POSITIVE_INFINITY;
    const { inbox } = this.#options;
    const read: Inbox['readNewest'] = (...range) => inbox.readEnvelopes(...range);
    const readers = logs.map(
      ({ audience, head, marks: { since } }) =>
        new LogReader(read, audience, head.offset > since ? [[since + 1, head.offset]] : []),
    );
    let reading = readers;
    while (reading.length > 0) {
      await Promise.all(reading.map((reader) => reader.readMore(SEARCH_CHUNK)));
      const reachedMs = new Map<LogReader, number>();
      for (const reader of reading) {
        for (let entry = reader.take(); entry !== undefined; entry = reader.take()) {
          reachedMs.set(reader, entry.appendedAtMs);
          const { id } = envelopeIn(entry.json);
          if (!ids.has(id)) continue;
          missing.delete(id);
          oldestMs = Math.min(oldestMs, entry.appendedAtMs);
          offsets.set(
            reader.audience,
            union(offsets.get(reader.audience) ?? [], [[entry.offset, entry.offset]]),
          );
        }
      }
      const untilMs = missing.size > 0 ? Number.NEGATIVE_INFINITY : oldestMs - COPIES_APART_MS;
      reading = reading.filter((reader) => reader.needsMore && (reachedMs.get(reader) ?? 0) >= untilMs);
    }
    return offsets;
  }
}

/** The next so many of a view, and where the page after them begins when there is one. */
async function pageOf(view: View, limit: number): Promise<Pick<InboxPage, 'notifications' | 'next'>> {
  const notifications: InboxItem[] = [];
  for (;;) {
    const item = await view.next();
    if (item === undefined) return { notifications };
    if (notifications.length === limit) return { notifications, next: formatPosition(view.position) };
    view.take(item);
    // Checked when it came in, and made by us.
    const notification: Notification = JSON.parse(item.stored.json);
    const { offset } = notification;
    const { seen, read, archived } = item.log.marks;
    notifications.push({
      ...notification,
      seen: contains(seen, offset),
      read: contains(read, offset),
      archived: contains(archived, offset),
    });
  }
}

function refused(code: 'bad_request' | 'forbidden', message: string) {
  return { ok: false as const, refusal: { code, message } };
}
