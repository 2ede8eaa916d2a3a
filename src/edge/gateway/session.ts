/**
 * A session: one connected socket of one user on one device.
 *
 * It is *starting* until its rooms are open and the client has been sent its `session` message. Then its observers
 * are called with `notified`, and it is *live*. A move between departments sends the message again. It is *over* once
 * the socket has left, for whatever reason: observers get `leaving` while it is still in its rooms, and `closed`
 * after that. Nothing may be begun for a session that is over.
 */
import type { Logger } from 'pino';
import { type Audience, audienceKind, isAudience, roomOf } from '../../contract/audience.ts';
import type { ClientLimits } from '../../contract/client-limits.ts';
import type { Cursor } from '../../contract/notification.ts';
import type { Cursors, MissedByAudience } from '../../contract/recovery.ts';
import type { GoawayCode } from '../../contract/socket.ts';
import type { Identity } from '../../contract/token.ts';
import type { GivenDepartments } from '../../operate/access/departments.ts';
import type { Meter } from '../../pipeline/inbox/meter.ts';
import type { UserInbox } from '../../pipeline/inbox/user-inbox.ts';
import { faultOf, isUnavailable } from '../../resilience/unavailable.ts';
import type { RequestLimits } from '../limits/request-limits.ts';
import { recordOf } from './connection-record.ts';
import { codeOf, goaway } from './goaway.ts';
import { Lifetime, SessionOver } from './lifetime.ts';
import { withMarks } from './missed-marks.ts';
import { type Before, type EnteredEach, RoomJoin, type RoomJoinOptions } from './room-join.ts';
import type { GatewaySocket } from './server.ts';
import { type Beginning, beginningOf, movedTo } from './session-beginning.ts';
import { sessionMessage } from './session-message.ts';
import type { ObservedSession, SessionObserver } from './session-observer.ts';
import { SessionRooms } from './session-rooms.ts';

export interface SessionOptions extends RoomJoinOptions {
  readonly inbox: UserInbox;
  readonly departments: GivenDepartments;
  readonly limits: RequestLimits;
  readonly observers: readonly SessionObserver[];
  /** How long rooms may take to open, and how long a connection may stay without a session. */
  readonly deadlineMs: number;
  /** The limits that every client has, as `session` reports them. */
  readonly clientLimits: Omit<ClientLimits, 'messageMaxBytes'>;
  readonly log: Logger;
}

export class Session implements ObservedSession {
  /** Resolves when the client has been sent its `session`. Requests are answered only after that. */
  readonly started: Promise<void>;
  readonly #socket: GatewaySocket;
  readonly #messageMaxBytes: number;
  readonly #options: SessionOptions;
  readonly #roomJoin: RoomJoin;
  readonly #rooms: SessionRooms;
  /** The last move between departments; they run one at a time. */
  #moving: Promise<void>;
  readonly #life = new Lifetime();
  #expiresAtMs = Number.POSITIVE_INFINITY;
  #timesNotified = 0;
  #began: Beginning = { atMs: 0, places: new Map(), cursors: undefined };
  #closeReason = '';
  isErased = false;

  /** `messageMaxBytes`: the limit of this client, which may be higher because of a long token. */
  constructor(socket: GatewaySocket, options: SessionOptions, messageMaxBytes: number) {
    this.#socket = socket;
    this.#messageMaxBytes = messageMaxBytes;
    this.#options = options;
    this.#roomJoin = new RoomJoin(socket, options);
    this.#rooms = new SessionRooms(socket, options, this.#life);
    recordOf(socket.conn).sessionBegins();
    this.#followUpgrade();
    for (const observer of options.observers) observer.connected?.(this);
    this.started = this.#life.within(options.deadlineMs, this.#start());
    this.#moving = this.started;
    this.started.catch((error) => {
      if (this.isOver) return;
      this.#notBegun(error);
    });
    this.renew(socket.data.identity);
  }

  #followUpgrade(): void {
    const { conn } = this.#socket;
    if (conn.transport.name === 'websocket') return;
    conn.once('upgrade', () => {
      // The connection may outlive the session.
      if (this.#timesNotified === 0 || this.isOver) return;
      for (const observer of this.#options.observers) observer.upgraded?.(this);
    });
  }

  /** MUST be called when the client is leaving and is still in its rooms. */
  leaving(): void {
    for (const observer of this.#options.observers) observer.leaving?.(this);
  }

  /** MUST be called when the client has left, with Socket.IO's reason. */
  closed(reason: string): void {
    const { conn } = this.#socket;
    this.#life.end();
    recordOf(conn).sessionEnds(conn, this.#options.deadlineMs);
    this.#closeReason = reason;
    for (const observer of this.#options.observers) observer.closed?.(this);
  }

  get id(): string {
    return this.#socket.id;
  }

  get user(): string {
    return this.#socket.data.identity.user;
  }

  /** When the session's present token was issued. */
  get issuedAtMs(): number {
    return this.#socket.data.identity.issuedAtMs;
  }

  /** When its present token expires. */
  get expiresAtMs(): number {
    return this.#expiresAtMs;
  }

  get device(): string | undefined {
    return this.#socket.data.device;
  }

  get address(): string {
    return this.#socket.handshake.address;
  }

  get transport(): string {
    return this.#socket.conn.transport.name;
  }

  get timesNotified(): number {
    return this.#timesNotified;
  }

  get began(): Beginning {
    return this.#began;
  }

  placesNow(): Record<string, Cursor> {
    return this.#rooms.placesNow();
  }

  get closeCode(): GoawayCode | undefined {
    return codeOf(this.#socket.conn);
  }

  get closeReason(): string {
    return this.#closeReason;
  }

  end(code: GoawayCode): void {
    goaway(this.#socket, code);
  }

  /** Sends the client away, to try again. A fault in the code is logged with its stack. */
  #notBegun(error: unknown): void {
    const session = this.#socket.id;
    const { log } = this.#options;
    if (isUnavailable(error))
      log.info({ session, part: 'sessions', reason: String(error) }, 'session not begun');
    else log.error({ session, ...faultOf(error) }, 'session not begun');
    goaway(this.#socket, 'unavailable');
  }

  /** The client has left. MUST be checked after each await, before anything is begun. */
  get isOver(): boolean {
    return this.#life.isOver;
  }

  /** The audiences whose inbox this session may see. */
  get audiences(): readonly Audience[] {
    return this.#rooms.audiences;
  }

  get topicCount(): number {
    return this.#rooms.topicCount;
  }

  /** Continues with a fresh token of the same user, and leaves rooms that it does not allow. */
  renew(claimed: Identity): void {
    if (this.isOver) return;
    this.#rooms.allow(claimed);
    this.#expiresAtMs = claimed.expiresAtMs;
  }

  /**
   * Updates the rooms when the user's departments may have changed, and sends `session` again. Notifications for
   * rooms in which it stays are held back until then, so that the places in the message are exact.
   */
  move(): void {
    const { deadlineMs } = this.#options;
    if (this.isOver) return;
    this.#moving = this.#moving.then(() => this.#life.within(deadlineMs, this.#move()));
    // When the client comes again, its rooms are right.
    this.#moving.catch((error) => this.isOver || this.#notBegun(error));
  }

  /**
   * Enters more rooms, which fail independently: those that cannot be entered now are left again and are not in
   * `entered`. The caller MUST call `release` once it has answered the client, as for a {@link RoomJoin}.
   */
  async enter(audiences: readonly Audience[], before: Before): Promise<EnteredEach> {
    await this.#socket.join(audiences.map(roomOf));
    const { deadlineMs } = this.#options;
    const within = <T>(entering: Promise<T>) => this.#life.within(deadlineMs, entering);
    const each = await this.#roomJoin.enterEach(audiences, before, within);
    const failed = audiences.filter((audience) => !each.entered.has(audience));
    await Promise.all(failed.map((audience) => this.#socket.leave(roomOf(audience))));
    return each;
  }

  /** What the client missed in audiences that it is in. */
  async sync(
    cursors: Cursors,
    meter: Meter,
    isPartial: boolean,
  ): Promise<MissedByAudience | { readonly foreign: string }> {
    // During a move the answer could contain what is held back.
    await this.#moving;
    const asked = Object.entries(cursors).filter(isCursorEntry);
    const foreign = asked.find(([audience]) => !this.#options.feeds.find(audience)?.has(this.#socket.id));
    if (foreign !== undefined) return { foreign: foreign[0] };
    const missed = await this.#roomJoin.missedSince(asked, meter, isPartial);
    const places = missed.flatMap(([audience, { epoch, head, notifications }]) =>
      notifications.length === 0 || audienceKind(audience) === 'topic'
        ? []
        : [[audience, { epoch, offset: head }] as const],
    );
    if (places.length === 0) return { audiences: Object.fromEntries(missed) };
    meter.spend(1);
    const marks = await this.#options.inbox.marks(this.user, new Map(places));
    const audiences = missed.map(([audience, one]) => [audience, withMarks(one, audience, marks)] as const);
    return { audiences: Object.fromEntries(audiences), version: marks.version };
  }

  async #start(): Promise<void> {
    const { cursors } = this.#socket.data;
    this.#socket.data.cursors = undefined;
    // The token's departments are usually right, so these rooms open before the departments are read.
    await this.#rooms.join();
    await this.#rooms.updateDepartments();
    await this.#notify(cursors);
  }

  async #move(): Promise<void> {
    if (this.isOver) return;
    if (await this.#rooms.updateDepartments()) await this.#notify(undefined);
  }

  /** Sends the `session` message. What the handshake asks for is charged like any other request. */
  async #notify(cursors: Cursors | undefined): Promise<void> {
    if (cursors === undefined) return await this.#notifyWithMissed(undefined, undefined);
    const turn = await this.#options.limits.begin(this.user, () => this.#socket.connected);
    try {
      await this.#notifyWithMissed(cursors, turn.ok ? turn.meter : undefined);
    } finally {
      if (turn.ok) turn.end();
    }
  }

  /** Enters the feeds of the session's rooms, sends the `session` message, then releases what was held back. */
  async #notifyWithMissed(cursors: Cursors | undefined, meter: Meter | undefined): Promise<void> {
    const { entered, release } = await this.#roomJoin.enter(this.#rooms.audiences, { cursors, meter });
    // The counts end where this socket enters the feeds; what comes after that arrives live.
    const places = new Map(entered.map(({ audience, head }) => [audience, head]));
    const opened = await this.#options.inbox.open(this.user, places);
    if (this.isOver) throw new SessionOver();
    const { id, data } = this.#socket;
    const limits = { ...this.#options.clientLimits, messageMaxBytes: this.#messageMaxBytes };
    const isRecovery = cursors !== undefined;
    // A fresh token may have narrowed the audiences meanwhile.
    const audiences = this.#rooms.audiences;
    this.#socket.emit(
      'session',
      sessionMessage(id, data.identity, { audiences, entered, places, opened, limits, isRecovery }),
    );
    release();
    if (this.isOver) return;
    this.#began =
      this.#timesNotified === 0
        ? beginningOf(places, cursors, this.#options.recovery.now())
        : movedTo(this.#began, places);
    this.#timesNotified += 1;
    for (const observer of this.#options.observers) observer.notified?.(this);
  }
}

function isCursorEntry(entry: [string, Cursor | undefined]): entry is [Audience, Cursor] {
  return isAudience(entry[0]) && entry[1] !== undefined;
}
