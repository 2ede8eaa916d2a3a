/** Everything that the inbox store knows, and what each message does to it. It asks nobody and tells nobody. */
import type { Counts, InboxPage, MarkAnswer } from '../contract/inbox.ts';
import { type EventIdentity, expiresAtMs, keyOf, retractedBy } from './identity.ts';
import {
  type Change,
  changed,
  countsOf,
  type Item,
  type Pending,
  recounted,
  shownOf,
  withPending,
} from './inbox-items.ts';
import { type InboxItem, type Notification, withData } from './notification.ts';
import { Recent } from './recent.ts';

export interface InboxSnapshot {
  /** Newest first; of one collapse key the newest. */
  readonly list: readonly InboxItem[];
  /** Exact up to 100, and no more than that; `unread` only once the inbox has been read. */
  readonly unseen: number;
  readonly unread: number;
  /** Whether `loadMore()` would bring older ones. */
  readonly hasMore: boolean;
}

/** A page on its way. It does not have what happened after the server read it. */
export interface Load {
  readonly version: number;
  readonly changes: { readonly change: Change; readonly version: number }[];
  readonly arrived: Set<string>;
}

export class InboxState {
  readonly #now: () => number;
  #items: readonly Item[] = [];
  #counts: Counts = { unseen: 0, unread: 0 };
  /** The newest change of the user's marks that is known. */
  #version = 0;
  #pending: readonly Pending[] = [];
  #next: string | undefined;
  readonly #loads = new Set<Load>();
  readonly #retracted = new Recent();

  constructor(now: () => number) {
    this.#now = now;
  }

  get next(): string | undefined {
    return this.#next;
  }

  get size(): number {
    return this.#items.length;
  }

  get nextExpiryMs(): number {
    return Math.min(...this.#items.map(({ shown }) => expiresAtMs(shown)));
  }

  snapshot(): InboxSnapshot {
    const items = withPending(this.#items, this.#pending);
    let counts = recounted(this.#counts, this.#items, items);
    for (const { as, isAll } of this.#pending) {
      if (!isAll || as === 'unread') continue;
      // Of all that there were none is left, also of those that are not here.
      const left = countsOf(items);
      counts = as === 'seen' ? { ...counts, unseen: left.unseen } : left;
    }
    const list = items.flatMap(({ shown }) => (shown.archived ? [] : [shown]));
    return { list, ...counts, hasMore: this.#next !== undefined };
  }

  /** In a new session, or when a log began anew, the versions may have begun anew too; nothing old comes any more. */
  forgetVersions(): void {
    this.#version = 0;
    this.#items = this.#items.map(({ shown }) => ({ shown, version: 0 }));
  }

  setUnseen(unseen: number): void {
    this.#counts = { ...this.#counts, unseen };
  }

  /** `isCounted`: false for what the server's counts have already. */
  add(notification: Notification, isCounted: boolean): void {
    const key = keyOf(notification);
    for (const load of this.#loads) load.arrived.add(key);
    // A page may have brought it, and its counts with it.
    if (this.#items.some(({ shown }) => keyOf(shown) === key)) return;
    const item = { shown: { ...notification, seen: false, read: false, archived: false }, version: 0 };
    const before = this.#items;
    this.#items = this.#shown([item, ...before]);
    if (isCounted) this.#counts = recounted(this.#counts, before, this.#items);
  }

  retract(event: EventIdentity): void {
    this.#retracted.add(keyOf(event));
    this.dropGone();
  }

  /** What was retracted or has expired leaves. */
  dropGone(): void {
    const before = this.#items;
    this.#items = this.#shown(before);
    this.#counts = recounted(this.#counts, before, this.#items);
  }

  pend(pending: Pending): void {
    this.#pending = [...this.#pending, pending];
  }

  unpend(pending: Pending): void {
    this.#pending = this.#pending.filter((other) => other !== pending);
  }

  /** A change that the server has made, of this device or another. */
  apply(change: Change, { version, unseen, unread }: MarkAnswer): void {
    if (version > this.#version) {
      this.#version = version;
      this.#counts = { unseen, unread };
    }
    this.#items = this.#shown(this.#items.map((item) => changed(item, change, version)));
    for (const load of this.#loads) load.changes.push({ change, version });
  }

  /** MUST be called before the page is asked for, and {@link finish} or {@link abandon} after. */
  begin(): Load {
    const load = { version: this.#version, changes: [], arrived: new Set<string>() };
    this.#loads.add(load);
    return load;
  }

  abandon(load: Load): void {
    this.#loads.delete(load);
  }

  /** `isFirst`: the page takes the place of all that is here; otherwise it is what is older. */
  finish(load: Load, { notifications, next, unseen, unread }: InboxPage, isFirst: boolean): void {
    this.abandon(load);
    for (const notification of notifications) {
      const event = retractedBy(notification);
      if (event !== undefined) this.#retracted.add(keyOf(event));
    }
    // Marks set and nothing else, so that those that the page has already change nothing when they are made again.
    const loaded = notifications.map(withData).map((shown) =>
      load.changes.reduce<Item>((item, { change, version }) => changed(item, change, version), {
        shown,
        version: load.version,
      }),
    );
    const brought = new Set(notifications.map(keyOf));
    const isNewer = ({ shown }: Item) => load.arrived.has(keyOf(shown)) && !brought.has(keyOf(shown));
    const kept = isFirst ? this.#items.filter(isNewer) : this.#items;
    if (isFirst && load.changes.length === 0) this.#counts = recounted({ unseen, unread }, [], kept);
    this.#items = this.#shown([...kept, ...loaded]);
    this.#next = next;
  }

  #shown(items: readonly Item[]): Item[] {
    const nowMs = this.#now();
    return shownOf(
      items,
      (shown) =>
        retractedBy(shown) !== undefined || this.#retracted.has(keyOf(shown)) || expiresAtMs(shown) <= nowMs,
    );
  }
}
