/**
 * A feed is one hosted room's place in its audience's log: the last offset that this node has passed on. It makes
 * live delivery exact for clients that know nothing of offsets. It costs memory per room and not per socket.
 *
 * The next message in order is passed on at once, and an old one is dropped. A message that reveals a hole or another
 * epoch, or that arrives while the feed is busy, is not kept: the feed notes that it is behind, and reads the log up
 * to its head. The log is the buffer, so a slow store or a fast producer makes nothing grow here.
 *
 * The feed is *busy* while it opens (it subscribes, then reads the log's head) and while it catches up. Otherwise it
 * is *current*, and then all of the above happens within one turn of the event loop.
 */
import { type Audience, roomOf } from '../../contract/audience.ts';
import { type Cursor, EMPTY_HEAD } from '../../contract/notification.ts';
import type { Inbox, Stored } from '../../pipeline/inbox/inbox.ts';
import { lastKept } from '../../pipeline/inbox/incarnations.ts';
import { type LiveMessage, type MarksMessage, packetOf } from '../../pipeline/inbox/live-message.ts';
import type { DeliveryObservers } from './delivery-observer.ts';
import { Newcomers } from './newcomers.ts';
import { PassedOn } from './passed-on.ts';
import { closed, RetriedLog } from './retried-log.ts';
import type { Subscriber } from './subscriber.ts';
import { Subscribers } from './subscribers.ts';
import { Frame } from './wire/frame.ts';

export interface FeedOptions {
  readonly inbox: Inbox;
  /** Resolves once the room's subscription is in force. */
  readonly inForce: (room: string) => Promise<void>;
  readonly observers: Pick<DeliveryObservers, 'passedOn' | 'healed'>;
  /**
   * The feed failed, and not because of an outage. It stays where it is, and the next message or check tries again.
   */
  readonly onFault: (audience: Audience, error: unknown) => void;
  /** The time by which notifications expire. */
  readonly now: () => number;
}

/** Entries read from the log at a time while catching up. */
const READ_ENTRIES = 200;

/** Consumers retry about once a second. Clients already got word that anything later is lost. */
const REPEATED_WITHIN_MS = 10_000;

export class Feed {
  readonly audience: Audience;
  /** Resolves when the feed is at its audience's head for the first time. Rejects only when closed before that. */
  readonly opened: Promise<void>;
  readonly #options: FeedOptions;
  readonly #subscribers = new Subscribers();
  readonly #log: RetriedLog;
  #cursor: Cursor = EMPTY_HEAD;
  /** The last events up to the cursor. */
  readonly #passedOn = new PassedOn();
  readonly #newcomers = new Newcomers();
  /** When the feed first saw that the log had lost entries and held nothing new in their place. */
  #lostAtMs: number | undefined;
  /** Whether {@link opened} has resolved. */
  isOpen = false;
  /** What keeps the feed busy; undefined when it is current. */
  #work: Promise<void> | undefined;
  /** A message arrived while the feed was busy, so the log may have grown since its head was read. */
  #behind = false;

  constructor(audience: Audience, options: FeedOptions) {
    this.audience = audience;
    this.#options = options;
    this.#log = new RetriedLog(audience, options.inbox);
    this.#work = this.#open();
    this.opened = this.#work;
    // `enter` waits for this promise. Nobody may be waiting when a feed closes, and then its rejection is no fault.
    this.opened.catch(() => {});
  }

  /** The place of the last notification that this node has passed on. */
  get cursor(): Cursor {
    return this.#cursor;
  }

  /**
   * Passes everything after the returned cursor on to a socket, and nothing before it. MUST be called only once
   * {@link opened} has resolved.
   */
  enter(id: string, subscriber: Subscriber): Cursor {
    this.#subscribers.set(id, subscriber);
    this.#newcomers.add(id, this.#cursor.offset);
    return this.#cursor;
  }

  has(id: string): boolean {
    return this.#subscribers.has(id);
  }

  leave(id: string): void {
    this.#subscribers.delete(id);
  }

  close(): void {
    this.#log.close();
    this.#subscribers.clear();
  }

  receive(message: LiveMessage): void {
    if (this.#work !== undefined) {
      this.#behind = true;
    } else if (message.epoch === this.#cursor.epoch && message.offset <= this.#cursor.offset) {
      // Old: it was already passed on or read from the log.
    } else if (this.#isNext(message)) {
      this.#passOn(message);
    } else {
      this.#catchUpAlone();
    }
  }

  /**
   * Passes on a change of marks. The log does not keep these: a client that is away now reads the inbox when it
   * returns.
   */
  receiveMarks({ origin, packet }: MarksMessage): void {
    const frame = new Frame(packet);
    for (const [id, subscriber] of this.#subscribers) if (id !== origin) subscriber.write(frame);
  }

  /**
   * Compares the feed with the head that was just read from the log. Catches up if the last message was lost, or if
   * the log has lost what the feed had already passed on when the head was `asked` for.
   */
  check(head: Cursor, asked: Cursor = this.#cursor): void {
    const isOther = head.epoch !== this.#cursor.epoch || head.offset > this.#cursor.offset;
    if (this.#work !== undefined) this.#behind = true;
    else if (isOther || head.offset < asked.offset) this.#catchUpAlone();
    else this.#newcomers.inStep();
  }

  /** Resolves when the feed has reached the log's head at some time after this call. */
  async refresh(): Promise<void> {
    if (this.#work === undefined) await this.#catchUp();
    else this.#behind = true;
    await this.#work;
  }

  #isNext({ epoch, offset }: Cursor): boolean {
    const isFirstEver = this.#cursor.epoch === EMPTY_HEAD.epoch;
    return offset === this.#cursor.offset + 1 && (epoch === this.#cursor.epoch || isFirstEver);
  }

  #passOn(message: LiveMessage): void {
    this.#cursor = { epoch: message.epoch, offset: message.offset };
    this.#passedOn.add(message.packet);
    const frame = new Frame(message.packet);
    for (const subscriber of this.#subscribers.values()) subscriber.write(frame);
    this.#options.observers.passedOn(this.audience, message, this.#subscribers.size);
  }

  async #open(): Promise<void> {
    await this.#options.inForce(roomOf(this.audience));
    this.#cursor = await this.#log.head();
    if (this.#behind) await this.#readToHead();
    if (this.#log.isClosed) throw closed();
    this.isOpen = true;
    this.#becomeCurrent();
  }

  /** Catches up without a caller that waits, so that an error goes to `onFault`. */
  #catchUpAlone(): void {
    this.#catchUp().catch((error: unknown) => this.#options.onFault(this.audience, error));
  }

  /** Resolves, and does not reject, when the feed is closed. */
  async #catchUp(): Promise<void> {
    const work = this.#readToHead().then(
      () => this.#becomeCurrent(),
      (error: unknown) => {
        if (this.#log.isClosed) return;
        this.#work = undefined;
        throw error;
      },
    );
    this.#work = work;
    await work;
  }

  #becomeCurrent(): void {
    this.#work = undefined;
    // A message arrived between the last read of the log and this turn.
    if (this.#behind) this.#catchUpAlone();
  }

  /** Reads until no message has arrived during a read. */
  async #readToHead(): Promise<void> {
    do {
      this.#behind = false;
      const read = await this.#log.head();
      const isOther = read.epoch !== this.#cursor.epoch || read.offset < this.#cursor.offset;
      const head = isOther ? await this.#changeEpoch(read) : read;
      if (head === undefined) continue;
      if (head.offset > this.#cursor.offset) this.#options.observers.healed(this.audience);
      await this.#readUpTo(head);
    } while (this.#behind);
  }

  /**
   * Handles a change of the log's epoch. If the log still holds what the feed passed on last, nothing was lost and
   * the feed goes on. Otherwise clients learn from which offset on the log differs, and get everything after it.
   * Returns the head to read up to, or undefined when there is nothing to read yet.
   */
  async #changeEpoch(head: Cursor): Promise<Cursor | undefined> {
    const { offset } = this.#cursor;
    let certain = head;
    let kept = await this.#keptOffset(head);
    if (kept < offset && !(await this.#isRepeated(kept, head))) {
      // A replica that merely lags may have answered; fencing the log finds that out. If the log has really lost
      // entries, it MUST NOT give out offsets again that clients already have, so fencing also ends its epoch.
      certain = await this.#log.fence(this.#cursor);
      kept = await this.#keptOffset(certain);
    }
    const isRepeated = kept < offset && (await this.#isRepeated(kept, certain));
    if (kept < offset && !isRepeated && certain.offset === kept && this.#mayBeRepeated()) return undefined;
    this.#lostAtMs = undefined;
    this.#cursor = { epoch: certain.epoch, offset: isRepeated ? offset : kept };
    if (isRepeated) this.#resync(this.#newcomers.takeBehind(kept));
    else if (kept < offset) this.#resyncAll();
    return certain;
  }

  /** Nothing has replaced the lost entries yet. Usually their consumer is about to append them again, unchanged. */
  #mayBeRepeated(): boolean {
    const nowMs = performance.now();
    this.#lostAtMs ??= nowMs;
    return nowMs - this.#lostAtMs < REPEATED_WITHIN_MS;
  }

  #resyncAll(): void {
    this.#passedOn.clear();
    this.#newcomers.takeBehind(0);
    this.#resync(this.#subscribers.keys());
  }

  #resync(ids: Iterable<string>): void {
    for (const id of ids) this.#subscribers.get(id)?.resync(this.audience, this.#cursor);
  }

  /** The offset up to which the log with this head holds what the feed has passed on. */
  async #keptOffset(head: Cursor): Promise<number> {
    const { epoch, offset } = this.#cursor;
    if (offset === 0 || (epoch === head.epoch && offset <= head.offset)) return offset;
    return Math.min(lastKept(await this.#log.incarnations(), this.#cursor), head.offset);
  }

  /**
   * Whether the log again holds, at the same offsets, everything after `kept` that was passed on. A store may publish
   * an entry, lose it and die before it answers. The consumer then appends the same entry again.
   */
  async #isRepeated(kept: number, head: Cursor): Promise<boolean> {
    const { offset } = this.#cursor;
    if (offset > head.offset || !this.#passedOn.hasLast(offset - kept)) return false;
    const again = await this.#log.read(kept + 1, offset);
    return again.length === offset - kept && this.#passedOn.endsWith(again.map(({ json }) => packetOf(json)));
  }

  /** Reads up to this head, or less far if the log was replaced since. Clients learn what the log has lost. */
  async #readUpTo(head: Cursor): Promise<void> {
    let isMissing = false;
    const moveTo = (offset: number) => {
      if (offset > this.#cursor.offset) isMissing = true;
      this.#cursor = { epoch: head.epoch, offset: Math.max(offset, this.#cursor.offset) };
    };
    while (this.#cursor.offset < head.offset) {
      const first = this.#cursor.offset + 1;
      const last = Math.min(head.offset, this.#cursor.offset + READ_ENTRIES);
      const entries = await this.#log.read(first, last);
      const isWhole =
        entries.length === last - first + 1 && entries.every(({ epoch }) => epoch === head.epoch);
      // The entries were trimmed or belong to an earlier epoch, or the log was replaced and its offsets name other
      // events.
      if (!isWhole && !(await this.#log.isStill(head, entries))) {
        this.#behind = true;
        break;
      }
      for (const entry of entries) {
        moveTo(entry.offset - 1);
        if (isMissing) this.#resyncAll();
        isMissing = false;
        this.#take(entry);
      }
      moveTo(last);
    }
    if (isMissing) this.#resyncAll();
  }

  #take({ epoch, offset, json, expiresAtMs = Number.POSITIVE_INFINITY }: Stored): void {
    if (expiresAtMs > this.#options.now()) {
      this.#passOn({ epoch, offset, sampled: false, packet: packetOf(json) });
    } else {
      this.#cursor = { epoch, offset };
      this.#passedOn.clear();
    }
  }
}
