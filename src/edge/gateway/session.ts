/** A session: one connected socket of one user on one device, from its rooms to its token's end. */
import pRetry from 'p-retry';
import type { Logger } from 'pino';
import { type Audience, audienceKind, audienceOf, isAudience, roomOf } from '../../contract/audience.ts';
import type { ClientLimits } from '../../contract/client-limits.ts';
import { type Cursor, EMPTY_HEAD } from '../../contract/notification.ts';
import type { Cursors, MissedByAudience } from '../../contract/recovery.ts';
import { allowsTopic, audiencesOfIdentity, type Identity } from '../../contract/token.ts';
import { type GivenDepartments, withDepartments } from '../../operate/access/departments.ts';
import type { Meter } from '../../pipeline/inbox/meter.ts';
import type { UserInbox } from '../../pipeline/inbox/user-inbox.ts';
import { isUnavailable, stackOf } from '../../resilience/unavailable.ts';
import type { RequestLimits } from '../limits/request-limits.ts';
import { goaway } from './goaway.ts';
import { Lifetime, SessionOver } from './lifetime.ts';
import { withMarks } from './missed-marks.ts';
import { type Before, type EnteredEach, RoomJoin, type RoomJoinOptions } from './room-join.ts';
import type { GatewaySocket } from './server.ts';

/** setTimeout fires at once for anything longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const RETRY = { retries: Number.POSITIVE_INFINITY, minTimeout: 50, maxTimeout: 1_000, randomize: true };

export interface SessionOptions extends RoomJoinOptions {
  readonly inbox: UserInbox;
  readonly departments: GivenDepartments;
  readonly limits: RequestLimits;
  /** The client has been told its `session`: where it begins, and what it said that it had. */
  readonly onTold: (
    socket: GatewaySocket,
    places: ReadonlyMap<Audience, Cursor>,
    cursors: Cursors | undefined,
  ) => void;
  /** How long rooms may take to open before the client is told to come again. */
  readonly deadlineMs: number;
  /** What every client may do, as its `session` says. */
  readonly clientLimits: Omit<ClientLimits, 'messageMaxBytes'>;
  readonly log: Logger;
}

export class Session {
  /** Resolves when the client has been told its `session`; until then no request is answered. */
  readonly started: Promise<void>;
  readonly #socket: GatewaySocket;
  readonly #messageMaxBytes: number;
  readonly #options: SessionOptions;
  readonly #roomJoin: RoomJoin;
  /** What the token says, of which the socket's identity differs when an operator has given other departments. */
  #claimed: Identity;
  #given: readonly string[] | undefined;
  #audiences: readonly Audience[];
  /** One move between departments at a time. */
  #moving: Promise<void>;
  readonly #life = new Lifetime();
  #expiry: NodeJS.Timeout | undefined;

  /** `messageMaxBytes`: of this client, whose token may need more than others do. */
  constructor(socket: GatewaySocket, options: SessionOptions, messageMaxBytes: number) {
    this.#socket = socket;
    this.#messageMaxBytes = messageMaxBytes;
    this.#options = options;
    this.#roomJoin = new RoomJoin(socket, options);
    this.#claimed = socket.data.identity;
    this.#audiences = audiencesOfIdentity(socket.data.identity);
    // Before anything is begun that it ends.
    socket.on('disconnect', () => {
      this.#life.end();
      clearTimeout(this.#expiry);
    });
    this.started = this.#life.within(options.deadlineMs, this.#start());
    this.#moving = this.started;
    this.started.catch((error) => {
      if (this.isOver) return;
      this.#notBegun(error);
    });
    this.renew(socket.data.identity);
  }

  /** Coming again may help; a fault of ours is told with its stack all the same. */
  #notBegun(error: unknown): void {
    const about = { session: this.#socket.id, reason: String(error) };
    const { log } = this.#options;
    if (isUnavailable(error)) log.info(about, 'session not begun');
    else log.error({ code: 'internal', ...about, stack: stackOf(error) }, 'session not begun');
    goaway(this.#socket, 'unavailable');
  }

  /** The client has left. MUST be asked after each await, before anything is begun for it. */
  get isOver(): boolean {
    return this.#life.isOver;
  }

  /** The audiences whose inbox this session may see: those that it was told, as far as its token still gives them. */
  get audiences(): readonly Audience[] {
    return this.#audiences;
  }

  /** Goes on with a fresh token of the same user: rooms that it does not allow any more are left. */
  renew(claimed: Identity): void {
    if (this.isOver) return;
    this.#claimed = claimed;
    this.#narrow(withDepartments(claimed, this.#given));
    clearTimeout(this.#expiry);
    const remainingMs = clamp(claimed.expiresAtMs - this.#options.recovery.now(), 0, MAX_TIMER_MS);
    this.#expiry = setTimeout(() => goaway(this.#socket, 'token_expired'), remainingMs);
  }

  /**
   * The user's departments may have changed: leaves and enters rooms, and tells the client its `session` again. What
   * comes for the rooms in which it stays waits until then, so that the places that it is told are exact.
   */
  move(): void {
    const { deadlineMs } = this.#options;
    if (this.isOver) return;
    this.#moving = this.#moving.then(() => this.#life.within(deadlineMs, this.#move()));
    // Coming again puts everything right.
    this.#moving.catch((error) => this.isOver || this.#notBegun(error));
  }

  /** Leaves the rooms that the identity does not give. */
  #narrow(identity: Identity): void {
    this.#socket.data.identity = identity;
    const given = new Set(audiencesOfIdentity(identity));
    this.#audiences = this.#audiences.filter((audience) => given.has(audience));
    const allowed = new Set(this.#audiences.map(roomOf));
    for (const room of this.#socket.rooms) {
      const audience = audienceOf(room);
      if (audience === undefined || allowed.has(room)) continue;
      const isAllowedTopic =
        audienceKind(audience) === 'topic' && allowsTopic(identity.topics, topicOf(audience));
      if (!isAllowedTopic) void this.#socket.leave(room);
    }
  }

  /**
   * Enters more rooms, each by itself: those that cannot be entered now are not among `entered`, and are left again.
   * The caller MUST call `release` once it has told the client, as for an {@link RoomJoin}.
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

  /** How many topics the socket is in. */
  get topicCount(): number {
    return [...this.#socket.rooms].filter((room) => {
      const audience = audienceOf(room);
      return audience !== undefined && audienceKind(audience) === 'topic';
    }).length;
  }

  /** What the client missed in audiences that it is in. */
  async sync(
    cursors: Cursors,
    meter: Meter,
    isPartial: boolean,
  ): Promise<MissedByAudience | { readonly foreign: string }> {
    // Otherwise the answer might tell what is held back.
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
    const marks = await this.#options.inbox.marks(this.#claimed.user, new Map(places));
    const audiences = missed.map(([audience, one]) => [audience, withMarks(one, audience, marks)] as const);
    return { audiences: Object.fromEntries(audiences), version: marks.version };
  }

  async #start(): Promise<void> {
    const { cursors } = this.#socket.data;
    this.#socket.data.cursors = undefined;
    // Its departments are asked for while these rooms open: mostly they are right.
    await this.#socket.join(this.#audiences.map(roomOf));
    await this.#enterDepartments();
    await this.#tell(cursors);
  }

  async #move(): Promise<void> {
    if (this.isOver) return;
    if (await this.#enterDepartments()) await this.#tell(undefined);
  }

  /** Reads which departments the user has, and leaves and joins their rooms. Answers whether there are others now. */
  async #enterDepartments(): Promise<boolean> {
    this.#given = await this.#givenDepartments();
    if (this.isOver) throw new SessionOver();
    const before = this.#audiences;
    const identity = withDepartments(this.#claimed, this.#given);
    this.#narrow(identity);
    const entered = audiencesOfIdentity(identity).filter((audience) => !before.includes(audience));
    const isSame = entered.length === 0 && this.#audiences.length === before.length;
    this.#audiences = audiencesOfIdentity(identity);
    await this.#socket.join(entered.map(roomOf));
    return !isSame;
  }

  async #givenDepartments(): Promise<readonly string[] | undefined> {
    const { departments } = this.#options;
    const { user } = this.#claimed;
    try {
      return await departments.of(user);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      const shouldRetry = () => !this.isOver;
      return await pRetry(() => departments.of(user), { ...RETRY, shouldRetry });
    }
  }

  /** Tells the client its session. What it asks for in the handshake is charged like any other request. */
  async #tell(cursors: Cursors | undefined): Promise<void> {
    if (cursors === undefined) return await this.#tellMissed(undefined, undefined);
    const turn = await this.#options.limits.begin(this.#claimed.user, () => this.#socket.connected);
    try {
      await this.#tellMissed(cursors, turn.ok ? turn.meter : undefined);
    } finally {
      if (turn.ok) turn.end();
    }
  }

  /** Enters the feeds of the session's rooms, tells the client, and then lets through what has come meanwhile. */
  async #tellMissed(cursors: Cursors | undefined, meter: Meter | undefined): Promise<void> {
    const { entered, release } = await this.#roomJoin.enter(this.#audiences, { cursors, meter });
    // Counted up to where this socket enters: what comes behind that, comes live.
    const places = new Map(entered.map(({ audience, head }) => [audience, head]));
    const opened = await this.#options.inbox.open(this.#claimed.user, places);
    if (this.isOver) throw new SessionOver();
    const { heads: _, ...counted } = opened.counted;
    const { identity } = this.#socket.data;
    // A fresh token may have narrowed them meanwhile.
    const heads = this.#audiences.map((audience) => {
      const { epoch, offset } = places.get(audience) ?? EMPTY_HEAD;
      return [audience, { epoch, head: offset }] as const;
    });
    const missed = entered.flatMap(({ audience, missed }) =>
      missed === undefined ? [] : [[audience, withMarks(missed, audience, opened)] as const],
    );
    this.#socket.emit('session', {
      session: this.#socket.id,
      user: identity.user,
      departments: [...identity.departments],
      audiences: Object.fromEntries(heads),
      ...counted,
      kept: opened.kept,
      ...(opened.ahead === undefined ? {} : { ahead: opened.ahead }),
      expiresAt: new Date(identity.expiresAtMs).toISOString(),
      serverTime: new Date().toISOString(),
      ...(cursors === undefined ? {} : { missed: Object.fromEntries(missed) }),
      limits: { ...this.#options.clientLimits, messageMaxBytes: this.#messageMaxBytes },
    });
    release();
    if (!this.isOver) this.#options.onTold(this.#socket, places, cursors);
  }
}

function isCursorEntry(entry: [string, Cursor | undefined]): entry is [Audience, Cursor] {
  return isAudience(entry[0]) && entry[1] !== undefined;
}

function topicOf(audience: Audience): string {
  return audience.slice('topic:'.length);
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}
