/** The user's inbox over an Inbox and a MarksStore: lists, counts and marks, for the socket and for HTTP alike. */
import { type Audience, audienceKind } from '../../contract/audience.ts';
import type {
  Counted,
  InboxPage,
  InboxQuery,
  MarkAnswer,
  MarkRequest,
  MarksView,
} from '../../contract/inbox.ts';
import type { Cursor } from '../../contract/notification.ts';
import { OneAtATime } from '../../resilience/one-at-a-time.ts';
import { InboxUnavailable } from '../../resilience/unavailable.ts';
import { Portion } from './answer-size.ts';
import { countIn, isAnyUnread } from './counting.ts';
import type { Inbox, InboxLimits } from './inbox.ts';
import { encodeMarksMessage } from './live-message.ts';
import { applyMark, trimmed } from './marks.ts';
import type { MarksStore } from './marks-store.ts';
import { aheadOf, marksViewOf } from './marks-view.ts';
import type { Meter } from './meter.ts';
import { meteredInbox, type ReadInbox } from './metered-inbox.ts';
import { readPage } from './page.ts';
import { parsePosition } from './position.ts';
import { difference, NO_RANGES, type Ranges } from './ranges.ts';
import type { RecentLogs } from './recent-entries.ts';
import { type FoundEntry, findEvents, findIds } from './search.ts';
import type { InboxAnswer, Opened, UserInbox } from './user-inbox.ts';
import { backOff, MAX_ATTEMPTS, UserLogs } from './user-logs.ts';
import { type Kept, type UserLog, View } from './view.ts';

/** Entries of all of a user's logs together that one look goes through: ten logs of the default length. */
const MAX_ENTRIES = 10_000;

export interface StoredInboxOptions {
  readonly inbox: Inbox;
  readonly store: MarksStore;
  /** Undefined where reading a log costs nothing. */
  readonly recent?: RecentLogs | undefined;
  /** What a log keeps, by kind of audience; marks below are dropped, and what is older is not shown. */
  readonly kept: InboxLimits;
  /** Of one page. */
  readonly maxAnswerBytes: number;
  readonly now: () => number;
  /** The user was shown the log of their own up to its head. */
  readonly onListed?: (user: string, head: Cursor) => void;
  /** The request has made something read or archived that was not. */
  readonly onRead?: (user: string, as: 'read' | 'archived', request: MarkRequest, origin: string) => void;
}

/** The offsets that a request means, by audience. */
type Meant = ReadonlyMap<Audience, Ranges>;

export class StoredInbox implements UserInbox {
  readonly #options: StoredInboxOptions;
  readonly #logs: UserLogs;
  /** As sessions get it. */
  readonly #kept: Opened['kept'];
  /** Marks of one user: devices that mark at the same time would only get in each other's way. */
  readonly #marking = new OneAtATime();

  constructor(options: StoredInboxOptions) {
    this.#options = options;
    this.#logs = new UserLogs(options);
    this.#kept = keptByKind(options.kept);
  }

  async list(
    user: string,
    audiences: readonly Audience[],
    query: InboxQuery,
    meter?: Meter,
  ): Promise<InboxAnswer<InboxPage>> {
    const from = query.before === undefined ? undefined : parsePosition(query.before, audiences);
    if (query.before !== undefined && from === undefined) {
      return refused('bad_request', 'before: must be the next of another page');
    }
    const { now, maxAnswerBytes, kept } = this.#options;
    const inbox = this.#metered(meter);
    const { version, logs } = await this.#logs.load(user, audiences);
    const { filter, limit } = query;
    const view = new View(inbox, logs, filter, {
      from,
      wanted: limit + 1,
      maxEntries: MAX_ENTRIES,
      kept,
      nowMs: now(),
    });
    const portion = new Portion(maxAnswerBytes);
    const [page, counts] = await Promise.all([
      readPage(inbox, view, { limit, portion, from }),
      this.#count(inbox, logs, version),
    ]);
    const own = logs.find(({ audience }) => audience === `user:${user}`);
    if (own !== undefined) this.#options.onListed?.(user, own.head);
    return { ok: true, value: { ...page, ...counts } };
  }

  mark(
    user: string,
    audiences: readonly Audience[],
    request: MarkRequest,
    origin: string,
    meter?: Meter,
  ): Promise<InboxAnswer<MarkAnswer>> {
    return this.#marking.run(user, () => this.#mark(user, audiences, request, origin, meter));
  }

  async open(user: string, places: ReadonlyMap<Audience, Cursor>): Promise<Opened> {
    const { version, logs } = await this.#logs.loadUpTo(places, user);
    const counted = isAnyUnread(logs, this.#options.kept)
      ? await this.#count(this.#metered(undefined), logs, version)
      : { unseen: 0, unread: 0, version };
    return { ...marksViewOf(version, logs), counted, kept: this.#kept, ahead: aheadOf(logs) };
  }

  async marks(user: string, places: ReadonlyMap<Audience, Cursor>): Promise<MarksView> {
    const { version, logs } = await this.#logs.loadUpTo(places, user);
    return marksViewOf(version, logs);
  }

  async #mark(
    user: string,
    audiences: readonly Audience[],
    request: MarkRequest,
    origin: string,
    meter: Meter | undefined,
  ): Promise<InboxAnswer<MarkAnswer>> {
    const inbox = this.#metered(meter);
    let found: (FoundEntry & { readonly logs: readonly UserLog[] }) | undefined;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      if (attempt > 0) await backOff(attempt, meter);
      const { version, logs } = await this.#logs.load(user, audiences);
      // Where the events stand changes with the logs, and not with somebody's marks.
      const isNamed = request.events !== undefined || request.ids !== undefined;
      if (isNamed && (found === undefined || !isSamePlaces(found.logs, logs))) {
        found = { logs, ...(await this.#find(inbox, logs, request)) };
      }
      const meant =
        found === undefined ? meantBy(logs, request) : { ok: true as const, value: found.offsets };
      if (!meant.ok) return meant;
      const marked = logs.map((log) => this.#marked(log, request.as, meant.value.get(log.audience)));
      const answer = await this.#count(inbox, marked, version + 1);
      const changed = new Map(
        marked.filter((log, i) => log !== logs[i]).map(({ audience, marks }) => [audience, marks]),
      );
      const upTo = request.all
        ? { upTo: Object.fromEntries(logs.map((log) => [log.audience, log.head.offset])) }
        : {};
      const named = found === undefined ? {} : namesOf(request, found.events);
      const message = encodeMarksMessage(origin, { ...request, ...named, ...upTo, ...answer });
      if (await this.#options.store.save(user, version, changed, message)) {
        this.#tellRead(user, request, origin, logs, marked);
        return { ok: true, value: answer };
      }
    }
    throw new InboxUnavailable(`the marks of user ${user} changed ${MAX_ATTEMPTS} times in between`);
  }

  #find(inbox: ReadInbox, logs: readonly UserLog[], { ids, events }: MarkRequest): Promise<FoundEntry> {
    const searched = { inbox, logs, maxEntries: MAX_ENTRIES };
    const { kept, now } = this.#options;
    if (events === undefined) return findIds(searched, ids ?? []);
    return findEvents(searched, events, now() - kept.dedupeMs);
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
    // What is archived was read, so that this shows both.
    const isMore = after.some(
      ({ marks }, i) => difference(marks[as], before[i]?.marks[as] ?? NO_RANGES).length > 0,
    );
    if (isMore) onRead(user, as, request, origin);
  }

  #metered(meter: Meter | undefined): ReadInbox {
    return meteredInbox(this.#options.inbox, this.#options.recent, meter);
  }

  #marked(log: UserLog, as: MarkRequest['as'], offsets: Ranges | undefined): UserLog {
    if (offsets === undefined) return log;
    const firstKept = log.head.offset - this.#options.kept.maxLength[audienceKind(log.audience)] + 1;
    return { ...log, marks: trimmed(applyMark(log.marks, as, offsets), firstKept) };
  }

  /** Among the newest {@link MAX_ENTRIES} of the user's logs. */
  async #count(inbox: ReadInbox, logs: readonly UserLog[], version: number): Promise<Counted> {
    const { kept, now } = this.#options;
    const options = { kept, maxEntries: MAX_ENTRIES, nowMs: now() };
    return { ...(await countIn(inbox, logs, options)), version };
  }
}

/** For the other devices: which events were meant; and their ids, for those that do not know events. */
function namesOf(
  { ids, events }: MarkRequest,
  found: FoundEntry['events'],
): Pick<MarkRequest, 'ids' | 'events'> {
  const named = events ?? found;
  if (named.length === 0) return { ids };
  return { ids: ids ?? named.map(({ id }) => id), events: [...named] };
}

function keptByKind({ maxLength, maxAgeMs }: Kept): Opened['kept'] {
  const keptOf = (kind: keyof Opened['kept']) => ({ length: maxLength[kind], ms: maxAgeMs[kind] });
  return { user: keptOf('user'), department: keptOf('department'), global: keptOf('global') };
}

/** What `upTo` and `all` mean. */
function meantBy(logs: readonly UserLog[], { upTo, all }: MarkRequest): InboxAnswer<Meant> {
  const meant = new Map<Audience, Ranges>();
  for (const { audience, head, marks } of logs) {
    const last = all ? head.offset : (upTo?.[audience] ?? 0);
    if (last > head.offset)
      return refused('bad_request', `upTo: the log of ${audience} ends at ${head.offset}`);
    if (last > marks.since) meant.set(audience, [[marks.since + 1, last]]);
  }
  const foreign = Object.keys(upTo ?? {}).find((audience) => !logs.some((log) => log.audience === audience));
  if (foreign !== undefined) return refused('forbidden', `upTo: ${foreign} is not an audience of yours`);
  return { ok: true, value: meant };
}

/** The answer says up to which places it has marked: a copy that came meanwhile is among them. */
function isSamePlaces(before: readonly UserLog[], now: readonly UserLog[]): boolean {
  const places = new Map(before.map(({ audience, head }) => [audience, head]));
  return now.every(({ audience, head: { epoch, offset } }) => {
    const place = places.get(audience);
    return place?.epoch === epoch && place.offset === offset;
  });
}

function refused(code: 'bad_request' | 'forbidden', message: string) {
  return { ok: false as const, refusal: { code, message } };
}
