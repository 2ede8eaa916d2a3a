/**
 * From what the socket gets, in whatever pieces, to each notification in its audience's order and once: what was
 * missed first, then what came live meanwhile, and an event that came by two audiences only the first time.
 */
import type { Cursor, Notification } from '../../contract/notification.ts';
import type { Missed } from '../../contract/recovery.ts';
import { eventKeyOf, expiresAtMs, retractedBy } from './identity.ts';
import { type Notification as Told, withData } from './notification.ts';
import { Recent } from './recent.ts';

/** How an answer or a message tells where a log stands. */
export interface Head {
  readonly epoch: string;
  readonly head: number;
}

export interface OrderingOptions {
  /** By the server's clock. */
  readonly now: () => number;
  readonly tell: (notification: Told, isMissed: boolean) => void;
  /** Every copy, before it is told or not: the inbox decides for itself what it shows. */
  readonly onCopy: (notification: Told) => void;
  /** A cursor has moved. */
  readonly onMoved: () => void;
}

export class Ordering {
  readonly #options: OrderingOptions;
  readonly #cursors: Map<string, Cursor>;
  /** What came live for audiences whose recovery is under way. */
  readonly #held = new Map<string, Notification[]>();
  readonly #told = new Recent();

  constructor(options: OrderingOptions, cursors: ReadonlyMap<string, Cursor> = new Map()) {
    this.#options = options;
    this.#cursors = new Map(cursors);
  }

  /** The last notification of each audience. */
  get cursors(): ReadonlyMap<string, Cursor> {
    return this.#cursors;
  }

  /** What comes live for the audience waits until {@link recover}, {@link release} or {@link reset}. */
  hold(audience: string): void {
    if (!this.#held.has(audience)) this.#held.set(audience, []);
  }

  /** What waited is told after all, without what was missed. */
  release(audience: string): void {
    const held = this.#held.get(audience) ?? [];
    this.#held.delete(audience);
    for (const notification of held) this.live(notification);
  }

  /** The connection is lost: what waited will come again, as missed. */
  dropHeld(): void {
    this.#held.clear();
  }

  /** What an earlier page has left behind; what is known here counts more. */
  restore(cursors: ReadonlyMap<string, Cursor>): void {
    for (const [audience, cursor] of cursors) {
      if (!this.#cursors.has(audience)) this.#cursors.set(audience, cursor);
    }
  }

  forget(audience: string): void {
    this.#cursors.delete(audience);
    this.#held.delete(audience);
  }

  /** The log began anew. The answer to a recovery that is under way is about the old one, and is not applied. */
  reset(audience: string, { epoch, head }: Head): void {
    this.#held.delete(audience);
    this.#move(audience, { epoch, offset: head });
  }

  /**
   * Tells what was missed, then what was held. Without `missed` the audience begins behind its head. Answers whether
   * something may be lost. Does nothing for an audience that is not held (any more). Behind a part there is more, and
   * what is held goes on waiting.
   */
  recover(audience: string, { epoch, head }: Head, missed?: Missed): boolean {
    if (!this.#held.has(audience)) return false;
    if (missed?.recovered) {
      // A retraction often follows what it takes back: that is not worth telling any more.
      for (const notification of missed.notifications) {
        const event = retractedBy(notification);
        if (event !== undefined) this.#told.add(eventKeyOf(event));
      }
      for (const notification of missed.notifications) this.#apply(notification, true);
    }
    // The expired are not among the missed, so that the last of these need not be the head.
    this.#move(audience, { epoch, offset: head });
    if (!missed?.more) this.release(audience);
    return missed?.recovered === false;
  }

  live(notification: Notification): void {
    const held = this.#held.get(notification.audience);
    if (held === undefined) this.#apply(notification, false);
    else held.push(notification);
  }

  /**
   * A hole (an offset beyond the next) is accepted: what expired or was trimmed from the log never comes, and the
   * server passes over nothing else. Asking for it would only be answered without it.
   *
   * Epochs are kept but not compared: a log that goes on in a new epoch where the last one ended has lost nothing,
   * and one that has is told with `resync`, which sets the cursor, or with `recovered: false`.
   */
  #apply(notification: Notification, isMissed: boolean): void {
    const { audience, epoch, offset } = notification;
    if (offset <= (this.#cursors.get(audience)?.offset ?? 0)) return;
    this.#move(audience, { epoch, offset });
    this.#options.onCopy(withData(notification));
    if (!this.#told.add(eventKeyOf(notification))) return;
    const target = retractedBy(notification);
    // A copy that another audience brings later is not told.
    if (target !== undefined) this.#told.add(eventKeyOf(target));
    if (expiresAtMs(notification) > this.#options.now()) this.#options.tell(withData(notification), isMissed);
  }

  #move(audience: string, cursor: Cursor): void {
    this.#cursors.set(audience, cursor);
    this.#options.onMoved();
  }
}
