/** The inbox as an observable store: asks for pages, sends marks and tells its listeners of every change. */
import type { MarkRequest, Marks } from '../contract/inbox.ts';
import type { Inbox, Which } from './api.ts';
import { callSafely } from './emitter.ts';
import type { Environment } from './environment.ts';
import { CarillonError } from './errors.ts';
import type { EventIdentity } from './identity.ts';
import { type Heads, type MarkPart, markParts, requestLater } from './inbox-items.ts';
import { type InboxSnapshot, InboxState, type Load } from './inbox-state.ts';
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

export class InboxStore implements Inbox {
  readonly #options: InboxStoreOptions;
  readonly #listeners = new Set<{ readonly notify: () => void }>();
  #state: InboxState;
  #snapshot: InboxSnapshot;
  /** Whether somebody has looked. */
  #isOpen = false;
  /** The newest reading of the first page: an older one that comes later is of no use. */
  #reading: object = {};
  #readings = 0;
  #more: Promise<void> | undefined;
  #added = 0;
  #cancelExpiry = () => {};
  #isClosed = false;
  /** Of the last session. */
  #heads: Heads = {};

  constructor(options: InboxStoreOptions) {
    this.#options = options;
    this.#state = new InboxState(options.now);
    this.#snapshot = this.#state.snapshot();
  }

  get snapshot(): InboxSnapshot {
    return this.#snapshot;
  }

  get list(): InboxSnapshot['list'] {
    return this.#snapshot.list;
  }

  get unseen(): number {
    return this.#snapshot.unseen;
  }

  get unread(): number {
    return this.#snapshot.unread;
  }

  get hasMore(): boolean {
    return this.#snapshot.hasMore;
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
    return this.#heard(
      this.#load({ limit }, () => this.#reading === reading, true).finally(() => {
        this.#readings -= 1;
      }),
    );
  };

  readonly loadMore = (): Promise<void> => {
    if (!this.#isOpen) return this.refresh();
    const { next } = this.#state;
    if (next === undefined) return Promise.resolve();
    const reading = this.#reading;
    this.#more ??= this.#heard(
      this.#load({ limit: PAGE, before: next }, () => this.#reading === reading, false).finally(() => {
        this.#more = undefined;
      }),
    );
    return this.#more;
  };

  readonly markSeen = (which: Which): Promise<void> => this.#mark('seen', which);
  readonly markRead = (which: Which): Promise<void> => this.#mark('read', which);
  readonly markUnread = (which: Which): Promise<void> => this.#mark('unread', which);
  readonly markArchived = (which: Which): Promise<void> => this.#mark('archived', which);

  /** Marks that other devices made while this one was away are only in the inbox itself. */
  onSession(unseen: number, heads: Heads): void {
    this.#heads = heads;
    this.#state.forgetVersions();
    this.#state.setUnseen(unseen);
    this.#publish();
    // What waited for the session is asked in it.
    if (this.#isOpen && this.#readings === 0) void this.refresh();
  }

  onResync(): void {
    this.#state.forgetVersions();
    if (this.#isOpen) void this.refresh();
  }

  onNotification(notification: Notification, isMissed: boolean): void {
    this.#added += 1;
    // The session's count has what was missed.
    this.#state.add(notification, !isMissed);
    this.#publish();
  }

  onRetracted(event: EventIdentity): void {
    this.#state.retract(event);
    this.#publish();
  }

  onMarks(marks: Marks): void {
    this.#state.apply(marks, marks);
    this.#publish();
  }

  /** Another user's inbox comes. */
  clear(): void {
    this.#state = new InboxState(this.#options.now);
    this.#publish();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelExpiry();
    this.#listeners.clear();
  }

  #mark(as: MarkRequest['as'], which: Which): Promise<void> {
    const parts = markParts(as, which, this.#options.offsets(), this.#options.requests.limits);
    return this.#heard(Promise.all(parts.map((part) => this.#ask(part))).then(() => undefined));
  }

  async #ask(part: MarkPart): Promise<void> {
    const { pending, request } = part;
    const state = this.#state;
    const added = this.#added;
    const heads = this.#heads;
    const wording = () => (heads === this.#heads ? request : requestLater(part, this.#heads));
    state.pend(pending);
    this.#publish();
    try {
      const answer = await this.#options.requests.askUntilAnswered('mark', () => this.#of(state, wording()));
      state.apply(pending, answer);
      // What came meanwhile may have been among all, or not.
      if (pending.isAll && added !== this.#added && this.#isOpen) void this.refresh();
    } finally {
      state.unpend(pending);
      this.#publish();
    }
  }

  async #load(
    query: { readonly limit: number; readonly before?: string },
    isWanted: () => boolean,
    isFirst: boolean,
  ): Promise<void> {
    const state = this.#state;
    let load: Load | undefined;
    const begin = () => {
      if (load !== undefined) state.abandon(load);
      load = state.begin();
      return this.#of(state, { filter: 'all' as const, ...query });
    };
    try {
      const page = await this.#options.requests.askUntilAnswered('inbox', begin);
      if (load !== undefined && isWanted()) state.finish(load, page, isFirst);
    } finally {
      if (load !== undefined) state.abandon(load);
      this.#publish();
    }
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

  #publish(): void {
    if (this.#isClosed) return;
    this.#snapshot = this.#state.snapshot();
    this.#cancelExpiry();
    const inMs = this.#state.nextExpiryMs - this.#options.now();
    if (inMs !== Number.POSITIVE_INFINITY) {
      this.#cancelExpiry = this.#options.environment.after(inMs, () => {
        this.#state.dropGone();
        this.#publish();
      });
    }
    // Last: a listener may mark, or close.
    for (const { notify } of [...this.#listeners]) callSafely(notify);
  }
}
