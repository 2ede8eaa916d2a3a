/** Everything that the inbox store knows, and what each message does to it. It asks nobody and tells nobody. */
import type { Flags, InboxPage } from '../../contract/inbox.ts';
import type { Resync, Session } from '../../contract/socket.ts';
import { AheadMarks } from './ahead-marks.ts';
import { type EventIdentity, eventKeyOf } from './identity.ts';
import {
  applied,
  appliedSince,
  furthest,
  headsOf,
  InboxChanges,
  isBehind,
  type Load,
} from './inbox-changes.ts';
import { InboxCounts, type Places, type ServerCounts } from './inbox-counts.ts';
import {
  atMs,
  bringsBack,
  type Change,
  capped,
  countsOf,
  hasLostCopy,
  type Item,
  listOf,
  type Pending,
  withPending,
} from './inbox-items.ts';
import { InboxLogs } from './inbox-logs.ts';
import type { InboxSnapshot } from './inbox-snapshot.ts';
import { MarkVersions } from './mark-versions.ts';
import { type InboxItem, type Notification, withData } from './notification.ts';

/** How far apart in time copies of an event stand that a session may come between. */
const COPIES_APART_MS = 1_000;

/** What a state needs of the rest of the client. */
export interface Around {
  /** By the server's clock. */
  readonly now: () => number;
  /** The last offset of each audience that came. */
  readonly reached: () => Places;
}

export class InboxState {
  readonly #around: Around;
  readonly #logs: InboxLogs;
  readonly #counts = new InboxCounts();
  /** The user's audiences; undefined before a session. */
  #audiences: Session['audiences'] | undefined;
  readonly #ahead = new AheadMarks();
  readonly #versions = new MarkVersions();
  /** The version that everything here has since this session began. */
  #base = 0;
  #pending: readonly Pending[] = [];
  #next: string | undefined;
  /** The rest when the last page had come: all the time, when that was the end. */
  #restOfPage: InboxCounts['rest'] | undefined;
  readonly #changes: InboxChanges;
  /** Copies that were appended until then may be of events that the session's counts have; undefined: a page says. */
  #copiesUntilMs: number | undefined;
  #doubts = 0;
  #settled = 0;

  constructor(around: Around) {
    this.#around = around;
    this.#logs = new InboxLogs(around.reached);
    this.#changes = new InboxChanges(around.reached);
  }

  get next(): string | undefined {
    return this.#next;
  }

  get size(): number {
    return this.#logs.items.length;
  }

  /** Something may have changed that only the server knows: it is to be asked. */
  get isInDoubt(): boolean {
    return this.#doubts > this.#settled;
  }

  /** When something ends by itself. */
  get nextEndMs(): number {
    const { until } = this.#counts;
    return Math.min(this.#logs.nextEndMs(), until > this.#around.now() ? until : Number.POSITIVE_INFINITY);
  }

  snapshot(): InboxSnapshot {
    const items = withPending(this.#logs.items, this.#pending);
    const here = countsOf(items);
    let { unseen, unread } = this.#counts.rest;
    for (const { as, isAll } of this.#pending) {
      if (!isAll || as === 'unread') continue;
      // Of all that there were none is left, also of those that are not here.
      unseen = 0;
      if (as !== 'seen') unread = 0;
    }
    const counts = { unseen: capped(unseen + here.unseen), unread: capped(unread + here.unread) };
    return { list: listOf(items), ...counts, hasMore: this.#next !== undefined };
  }

  /** Whether the user has seen it, wherever that was. */
  hasSeen({ audience, offset }: Notification): boolean {
    return this.#logs.items.some(
      ({ shown }) => shown.audience === audience && shown.offset === offset && shown.seen,
    );
  }

  /** The events that an id means, as far as they are here. */
  named(one: EventIdentity | string): readonly (EventIdentity | string)[] {
    if (typeof one !== 'string') return [one];
    const meant = this.#logs.items.filter(({ shown }) => shown.id === one);
    const events = new Map(meant.map(({ shown }) => [eventKeyOf(shown), shown]));
    return events.size === 0 ? [one] : [...events.values()];
  }

  /** What was told before is of no use: versions may have begun anew, and nothing old comes any more. */
  begin(session: Pick<Session, 'unseen' | 'audiences'> & Partial<Session>): void {
    const { audiences, kept, version = 0 } = session;
    this.#audiences = audiences;
    this.#ahead.begin(session.ahead);
    this.#logs.kept = kept;
    this.#logs.drop(({ audience }) => !(audience in audiences));
    const unread = session.unread ?? this.snapshot().unread;
    this.#forget(version);
    const heads = Object.entries(audiences).flatMap(([audience, place]) =>
      place === undefined || place.head === 0 ? [] : [[audience, place.head] as const],
    );
    const { unseen, until, spare } = session;
    this.#copiesUntilMs = this.#around.now() + COPIES_APART_MS;
    this.#tell({ unseen, unread, version, until, spare, heads: Object.fromEntries(heads) });
  }

  resync(audiences: Resync['audiences']): void {
    for (const [audience, place] of Object.entries(audiences)) {
      this.#logs.reset(audience, place?.head ?? 0);
    }
    this.#ahead.begin();
    this.#forget(0);
    this.#doubt();
  }

  /** A copy came, with the user's marks if it was missed. */
  add(notification: Notification & Partial<Flags>): void {
    const { audience, offset } = notification;
    const shown: InboxItem = { ...notification, ...this.#ahead.flagsOf(notification) };
    // A page may have brought it, and its counts with it.
    if (this.#logs.has(shown)) return;
    if (this.#counts.hasRest && !(this.#logs.knowsHidden(shown) && this.#knowsCopies(shown))) this.#doubt();
    this.dropEnded();
    const before = this.#logs.items;
    this.#logs.arrive(this.#changes.appliedTo({ shown, readBy: this.#base, archivedBy: this.#base }));
    // What was over when it came is not counted any more.
    this.#logs.dropEnded(this.#around.now());
    if (this.#counts.isCounted(audience, offset)) this.#counts.arrived(before, this.#logs.items);
    else if (this.#counts.isSpent(audience, offset)) this.#doubt();
    this.#lookForLoss(before);
    this.#changes.settle();
    this.#verify();
  }

  /** What has expired leaves, and what its log does not keep any more. */
  dropEnded(): void {
    const before = this.#logs.items;
    this.#logs.dropEnded(this.#around.now());
    this.#lookForLoss(before);
    if (this.#counts.until <= this.#around.now()) this.#doubt();
  }

  pend(pending: Pending): void {
    this.#pending = [...this.#pending, pending];
  }

  unpend(pending: Pending): void {
    this.#pending = this.#pending.filter((other) => other !== pending);
    this.#lookForGaps();
  }

  /** A change that the server has made; `isOwn`: as this device asked for it. */
  apply(change: Change, counts: ServerCounts & { readonly version: number }, isOwn: boolean): void {
    const { version, heads } = counts;
    const made = { change, version, heads };
    if (bringsBack(this.#logs.items, change)) this.#doubt();
    const become = (item: Item) => applied(item, made);
    this.#logs.change(become);
    this.#changes.add(made);
    const { newest } = this.#versions;
    this.#versions.add(version);
    this.#lookForGaps();
    // What was counted with a newer change had this one, or with the same further on; what is here has it now.
    if (version <= newest) this.#counts.change(become);
    if (version < newest || (version === newest && isBehind(heads ?? {}, this.#counts.heads))) return;
    // Of other audiences: the token of another device may give others.
    if (isOwn || this.#isOfMine(heads)) this.#tell(counts);
    else this.#doubt();
    this.#verify();
  }

  /** MUST be called before something is asked, and {@link finish}, {@link recounted} or {@link abandon} after. */
  beginLoad(): Load {
    return this.#changes.begin(this.#versions.newest, this.#doubts);
  }

  abandon(load: Load): void {
    this.#changes.end(load);
  }

  /** `isFirst`: the page takes the place of all that is here; otherwise it is what is older. */
  finish(load: Load, page: InboxPage, isFirst: boolean): void {
    this.abandon(load);
    const { version = load.version, heads = headsOf(page, load) } = page;
    // An audience without a head has an empty log, or is none of the user's any more.
    const isOld = ({ audience, offset }: InboxItem) =>
      offset <= (heads[audience] ?? load.reached[audience] ?? 0);
    const before = this.#logs.items;
    if (isFirst) this.#logs.drop(isOld);
    for (const shown of page.notifications.map(withData)) {
      const item = { shown, readBy: version, archivedBy: version, isOfPage: true };
      if (!this.#logs.has(shown)) this.#logs.put(appliedSince(version, load, item));
    }
    this.#next = page.next;
    this.#copiesUntilMs = undefined;
    this.#counts.isWhole = page.next === undefined;
    this.#counts.arrived(before, this.#logs.items);
    this.#counted(load, { ...page, heads }, isFirst);
    this.#restOfPage = this.#counts.rest;
    this.dropEnded();
  }

  /** Counts alone were asked for. */
  recounted(load: Load, page: InboxPage): void {
    this.abandon(load);
    this.#counted(load, page, true);
  }

  #counted(load: Load, page: InboxPage, isSettling: boolean): void {
    const { unseen, unread, version = load.version, heads = load.reached, until, spare } = page;
    if (isSettling) this.#settled = load.doubts;
    if (version < this.#versions.newest) return;
    this.#versions.begin(version);
    this.#tell({ unseen, unread, version, heads, until, spare });
  }

  #tell(counts: ServerCounts): void {
    const heads = counts.heads ?? furthest(this.#counts.heads, this.#around.reached());
    this.#counts.tell(counts, heads, this.#logs.items);
    // It was over when it was told: something came while the server counted.
    if (counts.until !== undefined && counts.until <= this.#around.now()) this.#doubt();
  }

  #forget(version: number): void {
    this.#versions.begin(version);
    this.#base = version;
    this.#changes.clear();
    this.#restOfPage = undefined;
    this.#counts.isWhole = false;
    this.#logs.change((item) => ({ ...item, readBy: version, archivedBy: version }));
  }

  #doubt(): void {
    this.#doubts += 1;
  }

  /** When all is here that the server counted, the rest is what it was when the last page came. */
  #verify(): void {
    const expected = this.#restOfPage;
    const { rest, heads, isCapped } = this.#counts;
    if (expected === undefined || this.#next !== undefined || isCapped || this.#changes.isAhead(heads))
      return;
    if (rest.unseen !== expected.unseen || rest.unread !== expected.unread) this.#doubt();
  }

  #knowsCopies(shown: InboxItem): boolean {
    if (this.#copiesUntilMs === undefined || atMs(shown) > this.#copiesUntilMs) return true;
    return this.#logs.items.some((item) => eventKeyOf(item.shown) === eventKeyOf(shown));
  }

  #lookForLoss(before: readonly Item[]): void {
    const after = this.#logs.items;
    if (this.#counts.isUncertain(before, after) || hasLostCopy(before, after, this.#around.now()))
      this.#doubt();
  }

  /** A message of another device was lost. What this one has asked may be answered later than what came after it. */
  #lookForGaps(): void {
    if (this.#versions.hasGaps && this.#pending.length === 0) this.#doubt();
  }

  #isOfMine(heads: Places | undefined): boolean {
    const audiences = this.#audiences;
    if (heads === undefined || audiences === undefined) return true;
    const counted = Object.entries(this.#counts.heads).filter(([, offset]) => offset > 0);
    return (
      Object.keys(heads).every((audience) => audience in audiences) &&
      counted.every(([audience]) => audience in heads)
    );
  }
}
