/**
 * A feed is one hosted room's place in its audience's log: the last offset that this node has passed on. It makes
 * live delivery exact for clients that know nothing of offsets, at a cost per room and not per socket.
 *
 * A message that is the next is passed on at once. One that is old is dropped. One that reveals a hole or another
 * epoch, or comes while the feed is busy, is not kept: the feed only remembers that it is behind, and reads the log
 * up to its head. The log is the buffer, so nothing here grows with a slow store or a fast producer.
 *
 * The feed is *busy* while it opens (subscription, then head of the log) and while it catches up; otherwise it is
 * *current*, and then everything above happens within one turn of the event loop.
 */
import pRetry from 'p-retry';
import { type Audience, roomOf } from '../contract/audience.ts';
import { lastKept } from '../contract/incarnations.ts';
import { eventIn, type LiveMessage, type MarksMessage, packetOf } from '../contract/live-message.ts';
import { type Cursor, EMPTY_HEAD } from '../contract/notification.ts';
import type { Inbox } from '../inbox/inbox.ts';
import type { Member } from './member.ts';
import { Frame } from './wire/frame.ts';

export interface FeedOptions {
  readonly inbox: Inbox;
  /** Resolves once the room's subscription is in force. */
  readonly inForce: (room: string) => Promise<void>;
  readonly onPassedOn: (audience: Audience, message: LiveMessage, sockets: number) => void;
  /** The feed read from the log what Pub/Sub had lost. */
  readonly onHealed: (audience: Audience) => void;
}

/** Entries read from the log at a time while catching up. */
const READ_ENTRIES = 200;

const RETRY = { retries: Number.POSITIVE_INFINITY, minTimeout: 50, maxTimeout: 1_000, randomize: true };

export class Feed {
  readonly audience: Audience;
  /** Resolves when the feed is at its audience's head for the first time. Rejects only when closed before that. */
  readonly opened: Promise<void>;
  readonly #options: FeedOptions;
  readonly #members = new Map<string, Member>();
  #isClosed = false;
  /** Only while something is tried again: most feeds never need it. */
  #retrying: AbortController | undefined;
  #cursor: Cursor = EMPTY_HEAD;
  /** The event at the cursor; undefined when this feed has not passed it on. */
  #lastEvent: string | undefined;
  /** What keeps the feed busy; undefined when it is current. */
  #work: Promise<void> | undefined;
  /** Something came while busy, so that the log may have grown since its head was read. */
  #behind = false;

  constructor(audience: Audience, options: FeedOptions) {
    this.audience = audience;
    this.#options = options;
    this.#work = this.#open();
    this.opened = this.#work;
    // Whoever enters waits for it; a feed that nobody waits for any more may close unheard.
    this.opened.catch(() => {});
  }

  /** The last place that this node has passed on. */
  get cursor(): Cursor {
    return this.#cursor;
  }

  /**
   * Lets a socket have everything after the cursor that this returns, and nothing before it.
   * MUST be called only once {@link opened} has resolved.
   */
  enter(id: string, member: Member): Cursor {
    this.#members.set(id, member);
    return this.#cursor;
  }

  has(id: string): boolean {
    return this.#members.has(id);
  }

  leave(id: string): void {
    this.#members.delete(id);
  }

  close(): void {
    this.#isClosed = true;
    this.#retrying?.abort(closed());
    this.#members.clear();
  }

  receive(message: LiveMessage): void {
    if (this.#work !== undefined) {
      this.#behind = true;
    } else if (message.epoch === this.#cursor.epoch && message.offset <= this.#cursor.offset) {
      // Old: it was passed on already, or read from the log.
    } else if (this.#isNext(message)) {
      this.#passOn(message);
    } else {
      void this.#catchUp();
    }
  }

  /** Marks are not kept in the log: who is not here reads the inbox on coming back. */
  receiveMarks({ origin, packet }: MarksMessage): void {
    const frame = new Frame(packet);
    for (const [id, member] of this.#members) if (id !== origin) member.write(frame);
  }

  /** Compares with the head that the log was just read to have, and catches up when the last message was lost. */
  check(head: Cursor): void {
    if (this.#work !== undefined) this.#behind = true;
    else if (head.epoch !== this.#cursor.epoch || head.offset > this.#cursor.offset) void this.#catchUp();
  }

  /** Resolves when the feed has been at the head of the log after this call. */
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
    this.#lastEvent = eventIn(message.packet);
    const frame = new Frame(message.packet);
    for (const member of this.#members.values()) member.write(frame);
    this.#options.onPassedOn(this.audience, message, this.#members.size);
  }

  async #open(): Promise<void> {
    await this.#options.inForce(roomOf(this.audience));
    this.#cursor = await this.#head();
    if (this.#behind) await this.#readToHead();
    if (this.#isClosed) throw closed();
    this.#becomeCurrent();
  }

  /** Ends quietly when the feed is closed. */
  async #catchUp(): Promise<void> {
    const work = this.#readToHead().then(
      () => this.#becomeCurrent(),
      (error: unknown) => {
        if (!this.#isClosed) throw error;
      },
    );
    this.#work = work;
    await work;
  }

  #becomeCurrent(): void {
    this.#work = undefined;
    // Something came between the last look at the log and this turn.
    if (this.#behind) void this.#catchUp();
  }

  /** Until nothing has come meanwhile. */
  async #readToHead(): Promise<void> {
    do {
      this.#behind = false;
      const head = await this.#head();
      if (head.epoch !== this.#cursor.epoch) await this.#changeEpoch(head);
      if (head.offset > this.#cursor.offset) this.#options.onHealed(this.audience);
      await this.#readUpTo(head);
    } while (this.#behind);
  }

  /**
   * When the log still holds what the feed passed on last, nothing was lost and the feed goes on. Otherwise clients
   * are told from where on the log is another one, and get everything behind that.
   */
  async #changeEpoch(head: Cursor): Promise<void> {
    const { offset } = this.#cursor;
    const kept = offset === 0 ? 0 : await this.#keptOffset();
    this.#cursor = { epoch: head.epoch, offset: kept };
    if (kept === offset) return;
    this.#lastEvent = undefined;
    for (const member of this.#members.values()) member.resync(this.audience, this.#cursor);
  }

  /** Up to where the log holds what the feed has passed on. */
  async #keptOffset(): Promise<number> {
    const { offset } = this.#cursor;
    const incarnations = await this.#retry(() => this.#options.inbox.incarnations(this.audience));
    const kept = lastKept(incarnations, this.#cursor);
    if (kept === offset || this.#lastEvent === undefined) return kept;
    // A store that dies before it has answered may have published what is lost with it. The consumer does not know,
    // and appends it again.
    const [again] = await this.#read(offset, offset);
    return again !== undefined && eventIn(packetOf(again.json)) === this.#lastEvent ? offset : kept;
  }

  /** Up to the head that the log had just now; not all the way when the log has become another one since. */
  async #readUpTo(head: Cursor): Promise<void> {
    while (this.#cursor.offset < head.offset) {
      const first = this.#cursor.offset + 1;
      const last = Math.min(head.offset, this.#cursor.offset + READ_ENTRIES);
      const entries = await this.#read(first, last);
      const isWhole =
        entries.length === last - first + 1 && entries.every(({ epoch }) => epoch === head.epoch);
      // Trimmed, or begun in an earlier epoch; or of another log, where offsets name other events.
      if (!isWhole && !(await this.#isStill(head))) {
        this.#behind = true;
        return;
      }
      const nowMs = Date.now();
      for (const { epoch, offset, json, expiresAtMs = Infinity } of entries) {
        if (expiresAtMs > nowMs) this.#passOn({ epoch, offset, sampled: false, packet: packetOf(json) });
      }
      // What the log did not hold any more is gone for everybody; the place moves on past it.
      if (this.#cursor.offset < last) this.#lastEvent = undefined;
      this.#cursor = { epoch: head.epoch, offset: last };
    }
  }

  /** Whether the log that had this head has not lost any of it. */
  async #isStill({ epoch, offset }: Cursor): Promise<boolean> {
    const now = await this.#head();
    return now.epoch === epoch && now.offset >= offset;
  }

  async #head(): Promise<Cursor> {
    const [head] = await this.#retry(() => this.#options.inbox.heads([this.audience]));
    return head ?? EMPTY_HEAD;
  }

  #read(first: number, last: number) {
    return this.#retry(() => this.#options.inbox.read(this.audience, first, last));
  }

  /** Until the store answers, or the feed is closed: an outage is no reason to skip anything. */
  async #retry<T>(run: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw closed();
    try {
      return await run();
    } catch (error) {
      if (this.#isClosed) throw error;
      this.#retrying ??= new AbortController();
      return await pRetry(run, { ...RETRY, signal: this.#retrying.signal });
    }
  }
}

function closed(): Error {
  return new Error('the feed is closed');
}
