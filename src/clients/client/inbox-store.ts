/** The inbox as an observable store: asks for pages, sends marks and tells its listeners of every change. */
import type { InboxPage, MarkRequest, Marks } from '../../contract/inbox.ts';
import type { Resync, Session } from '../../contract/socket.ts';
import type { Inbox, Which } from './api.ts';
import { callSafely } from './emitter.ts';
import type { Environment } from './environment.ts';
import { CarillonError } from './errors.ts';
import { furthest, type Load } from './inbox-changes.ts';
import type { Places } from './inbox-counts.ts';
import { type Heads, type MarkPart, markParts, movedTo, namesIn, requestLater } from './inbox-items.ts';
import type { InboxSnapshot } from './inbox-snapshot.ts';
import { InboxState } from './inbox-state.ts';
import type { Notification } from './notification.ts';
import type { Requests } from './requests.ts';

export interface InboxStoreOptions {
  readonly environment: Environment;
  readonly requests: Requests;
  /** By the server's clock. */
  readonly now: () => number;
  /** The last offset of each audience that the app has been told. */
  readonly offsets: () => Readonly<Record<string, number>>;
  readonly onError: (error: unknown) => void;
}

const PAGE = 50;
const MAX_PAGE = 100;
const DOUBT_MS = 1_000;
const MAX_DOUBT_MS = 60_000;

export class InboxStore implements Inbox {
  readonly #options: InboxStoreOptions;
  readonly #listeners = new Set<{ readonly notify: () => void }>();
  #state: InboxState;
  /** Undefined: it is another than the last that was asked for. */
  #snapshot: InboxSnapshot | undefined;
  /** Whether somebody has looked. */
  #isOpen = false;
  /** The newest reading of the first page: an older one that comes later is of no use. */
  #reading: object = {};
  #readings = 0;
  #more: Promise<void> | undefined;
  #added = 0;
  #cancelExpiry = () => {};
  /** Of the reading that is to come because something is in doubt. */
  #cancelDoubt: (() => void) | undefined;
  /** Of those in a row. */
  #doubts = 0;
  #isClosed = false;
  /** Of the last session. */
  #heads: Heads = {};

  constructor(options: InboxStoreOptions) {
    this.#options = options;
    this.#state = this.#newState();
  }

  get snapshot(): InboxSnapshot {
    this.#snapshot ??= this.#state.snapshot();
    return this.#snapshot;
  }

  get list(): InboxSnapshot['list'] {
    return this.snapshot.list;
  }

  get unseen(): number {
    return this.snapshot.unseen;
  }

  get unread(): number {
    return this.snapshot.unread;
  }

  get hasMore(): boolean {
    return this.snapshot.hasMore;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    const entry = { notify: listener };
    this.#listeners.add(entry);
    if (!this.#isOpen) void this.refresh();
    return () => void this.#listeners.delete(entry);
  };

  readonly refresh = (): Promise<void> => {
    this.#isOpen = true;
    const reading = {};
    this.#reading = reading;
    const limit = Math.max(PAGE, Math.min(this.#state.size, MAX_PAGE));
    this.#readings += 1;
    const state = this.#state;
    const take = (load: Load, page: InboxPage) => state.finish(load, page, true);
    return this.#heard(
      this.#load({ limit }, () => this.#reading === reading, take).finally(() => {
        this.#readings -= 1;
      }),
    );
  };

  readonly loadMore = (): Promise<void> => {
    if (!this.#isOpen) return this.refresh();
    this.#more ??= this.#heard(
      this.#loadOlder().finally(() => {
        this.#more = undefined;
      }),
    );
    return this.#more;
  };

  /**
   * What comes after the end of the list. A first page that comes meanwhile may end earlier, and then what is older is
   * asked for from there: taking it from the former end would leave a hole.
   */
  async #loadOlder(): Promise<void> {
    const state = this.#state;
    let isTaken = false;
    const take = (load: Load, page: InboxPage) => {
      isTaken = true;
      state.finish(load, page, false);
    };
    while (!isTaken && state.next !== undefined) {
      const before = state.next;
      const reading = this.#reading;
      const isWanted = () => this.#reading === reading && state.next === before;
      await this.#load({ limit: PAGE, before }, isWanted, take);
    }
  }

  readonly markSeen = (which: Which): Promise<void> => this.#mark('seen', which);
  readonly markRead = (which: Which): Promise<void> => this.#mark('read', which);
  readonly markUnread = (which: Which): Promise<void> => this.#mark('unread', which);
  readonly markArchived = (which: Which): Promise<void> => this.#mark('archived', which);

  /** Marks that other devices made while this one was away are only in the inbox itself. */
  onSession(session: Session): void {
    this.#heads = session.audiences;
    this.#doubts = 0;
    this.#state.begin(session);
    this.#publish();
    // What waited for the session is asked in it.
    if (this.#isOpen && this.#readings === 0) void this.refresh();
  }

  onResync(audiences: Resync['audiences']): void {
    this.#state.resync(audiences);
    if (this.#isOpen) void this.refresh();
    this.#publish();
  }

  /** Each copy of an event, also one that the app is not told. Topics are not in the inbox. */
  onCopy(notification: Notification): void {
    if (notification.audience.startsWith('topic:')) return;
    this.#added += 1;
    this.#state.add(notification);
    this.#publish();
  }

  /** Whether the user has seen it, on whatever device. */
  hasSeen(notification: Notification): boolean {
    return this.#state.hasSeen(notification);
  }

  onMarks(marks: Marks): void {
    this.#state.apply(marks, marks, false);
    this.#publish();
  }

  /** Another user's inbox comes. */
  clear(): void {
    this.#state = this.#newState();
    this.#publish();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelExpiry();
    this.#cancelDoubt?.();
    this.#listeners.clear();
  }

  #mark(as: MarkRequest['as'], which: Which): Promise<void> {
    const events = which === 'all' ? which : which.flatMap((one) => this.#state.named(one));
    const parts = markParts(as, events, this.#shownUpTo(), this.#options.requests.limits);
    return this.#heard(Promise.all(parts.map((part) => this.#ask(part))).then(() => undefined));
  }

  async #ask(part: MarkPart): Promise<void> {
    const { pending, request } = part;
    const state = this.#state;
    const added = this.#added;
    const heads = this.#heads;
    let asked = request;
    const wording = () => {
      if (heads !== this.#heads) asked = requestLater(part, this.#heads);
      else
        asked =
          added === this.#added ? request : requestLater(part, movedTo(this.#heads, this.#options.offsets()));
      return asked;
    };
    state.pend(pending);
    this.#publish();
    try {
      const answer = await this.#options.requests.askUntilAnswered('mark', () => this.#of(state, wording()));
      const isAll = asked.all === true && answer.heads !== undefined;
      const change = isAll
        ? { as: pending.as, upTo: answer.heads, all: true }
        : { ...pending, ...namesIn(asked) };
      state.apply(change, answer, true);
      // A server of before does not tell what was all: what came meanwhile may have been among it, or not.
      if (asked.all && !isAll && added !== this.#added && this.#isOpen) void this.refresh();
    } finally {
      state.unpend(pending);
      this.#publish();
    }
  }

  async #load(
    query: { readonly limit: number; readonly before?: string },
    isWanted: () => boolean,
    take: (load: Load, page: InboxPage) => void,
  ): Promise<void> {
    const state = this.#state;
    let load: Load | undefined;
    const begin = () => {
      if (load !== undefined) state.abandon(load);
      load = state.beginLoad();
      return this.#of(state, { filter: 'all' as const, ...query });
    };
    try {
      const page = await this.#options.requests.askUntilAnswered('inbox', begin);
      if (load !== undefined && isWanted()) take(load, page);
    } finally {
      if (load !== undefined) state.abandon(load);
      this.#publish();
    }
  }

  /** A page may have brought what has not come yet. */
  #shownUpTo(): Places {
    return this.list.reduce<Places>(
      (places, { audience, offset }) => furthest(places, { [audience]: offset }),
      this.#options.offsets(),
    );
  }

  /** Another user's session MUST NOT be asked what was meant for this one. */
  #of<T>(state: InboxState, request: T): T {
    if (state !== this.#state) throw new CarillonError('closed', 'another user is connected');
    return request;
  }

  /** Told to the app as an error as well, so that nobody has to wait for the promise. */
  #heard(promise: Promise<void>): Promise<void> {
    promise.catch(this.#options.onError);
    return promise;
  }

  #newState(): InboxState {
    const { now, offsets } = this.#options;
    return new InboxState({ now, reached: offsets });
  }

  /** Soon, and not all clients at the same moment: what puts one in doubt may do so to all. Less often when it goes on. */
  #askLater(): void {
    if (this.#cancelDoubt !== undefined) return;
    const { environment } = this.#options;
    const delayMs = environment.random() * Math.min(DOUBT_MS * 2 ** this.#doubts, MAX_DOUBT_MS);
    this.#doubts += 1;
    this.#cancelDoubt = environment.after(delayMs, async () => {
      const state = this.#state;
      const take = (load: Load, page: InboxPage) => state.recounted(load, page);
      // What fails is asked again by whatever is in doubt next.
      await (this.#isOpen ? this.refresh() : this.#load({ limit: 1 }, () => true, take)).catch(() => {});
      this.#cancelDoubt = undefined;
      if (this.#state.isInDoubt) this.#publish();
      else this.#doubts = 0;
    });
  }

  #publish(): void {
    if (this.#isClosed) return;
    this.#snapshot = undefined;
    this.#cancelExpiry();
    if (this.#state.isInDoubt) this.#askLater();
    const inMs = this.#state.nextEndMs - this.#options.now();
    if (inMs !== Number.POSITIVE_INFINITY) {
      this.#cancelExpiry = this.#options.environment.after(inMs, () => {
        this.#state.dropEnded();
        this.#publish();
      });
    }
    // Last: a listener may mark, or close.
    for (const { notify } of [...this.#listeners]) callSafely(notify);
  }
}
