/** Lets a socket enter the feeds of rooms that it has joined: at which place, and with what came before it. */
import { type Audience, roomOf } from '../../contract/audience.ts';
import { type Cursor, EMPTY_HEAD } from '../../contract/notification.ts';
import type { Cursors, Missed } from '../../contract/recovery.ts';
import { Portion } from '../../pipeline/inbox/answer-size.ts';
import type { Meter } from '../../pipeline/inbox/meter.ts';
import { Unavailable } from '../../resilience/unavailable.ts';
import type { Feed } from './feed.ts';
import type { Feeds } from './feeds.ts';
import { type AnswerBudget, lastOf, type RecoveryOptions, recover } from './recovery.ts';
import type { GatewaySocket } from './server.ts';
import { HeldSubscriber } from './subscriber.ts';

export interface RoomJoinOptions {
  readonly feeds: Feeds;
  readonly recovery: RecoveryOptions;
  readonly maxPendingBytes: number;
  /** Largest answer with what was missed. */
  readonly maxAnswerBytes: number;
}

/**
 * What a client wants from before it enters: everything since its cursors, or the last few notifications of each
 * audience.
 */
export interface Before {
  readonly cursors?: Cursors | undefined;
  readonly last?: ReadonlyMap<Audience, number> | undefined;
  /** Is charged for what is read. Undefined: nothing may be read. */
  readonly meter: Meter | undefined;
}

/** Where a socket's live notifications of an audience begin, and what came before if the client asked for it. */
export interface Entered {
  readonly audience: Audience;
  readonly head: Cursor;
  readonly missed?: Missed;
}

/** Which audiences were entered, and the errors of the others. */
export interface EnteredEach {
  readonly entered: ReadonlyMap<Audience, Entered>;
  readonly failures: readonly unknown[];
  release(): void;
}

export class RoomJoin {
  readonly #socket: GatewaySocket;
  readonly #options: RoomJoinOptions;

  constructor(socket: GatewaySocket, options: RoomJoinOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /**
   * Enters the feeds of rooms that the socket has joined. The caller MUST call `release` once it has answered the client
   * where it begins. Until then everything that arrives is held back.
   */
  async enter(
    audiences: readonly Audience[],
    before: Before,
  ): Promise<{ readonly entered: readonly Entered[]; release(): void }> {
    const feeds = await this.#feedsPast(audiences, before.cursors);
    if (!audiences.every((audience) => this.#isIn(audience))) {
      throw new Unavailable('the socket or the room went away meanwhile');
    }
    const subscriber = new HeldSubscriber(this.#socket, this.#options.maxPendingBytes);
    const places = feeds.map((feed) => this.#enterFeed(feed, subscriber, before.cursors));
    const release = () => subscriber.release();
    if (before.cursors === undefined && before.last === undefined) return { entered: places, release };
    const answer = this.#answerFor(before);
    const entered = new Map<Audience, Entered>();
    for (const place of shortestFirst(places)) {
      entered.set(place.audience, await this.#before(place, before.last, answer));
    }
    return { entered: audiences.flatMap((audience) => entered.get(audience) ?? []), release };
  }

  /**
   * The same, but audiences fail independently: the caller MUST leave the rooms of those that are not in `entered`.
   * They share one answer. `within` limits how long each may take.
   */
  async enterEach(
    audiences: readonly Audience[],
    before: Before,
    within: <T>(entering: Promise<T>) => Promise<T>,
  ): Promise<EnteredEach> {
    const failures: unknown[] = [];
    const unlessFailed = async <T>(promise: Promise<T>) => {
      try {
        return await within(promise);
      } catch (error) {
        // The caller distinguishes outages from faults in the code.
        failures.push(error);
        return undefined;
      }
    };
    const feeds = await Promise.all(
      audiences.map((audience) => unlessFailed(this.#feedPast(audience, before.cursors?.[audience]))),
    );
    const subscribers = new Map<Audience, HeldSubscriber>();
    // All feeds are entered in one turn of the event loop.
    const places = feeds.flatMap((feed) => {
      if (feed === undefined || !this.#isIn(feed.audience)) return [];
      const subscriber = new HeldSubscriber(this.#socket, this.#options.maxPendingBytes);
      subscribers.set(feed.audience, subscriber);
      return [this.#enterFeed(feed, subscriber, before.cursors)];
    });
    const answer = this.#answerFor(before);
    const entered = new Map<Audience, Entered>();
    for (const place of shortestFirst(places)) {
      const found = await unlessFailed(this.#before(place, before.last, answer));
      if (found !== undefined) entered.set(place.audience, found);
    }
    const release = () => {
      for (const [audience, subscriber] of subscribers) if (entered.has(audience)) subscriber.release();
    };
    return { entered, failures, release };
  }

  /**
   * What the client missed in audiences that it is in. `isPartial`: it understands an answer that says that there is
   * more.
   */
  async missedSince(
    cursors: readonly (readonly [Audience, Cursor])[],
    meter: Meter,
    isPartial: boolean,
  ): Promise<readonly (readonly [Audience, Missed])[]> {
    const { recovery, maxAnswerBytes } = this.#options;
    const audiences = cursors.map(([audience]) => audience);
    const feeds = await this.#feedsPast(audiences, Object.fromEntries(cursors));
    const places = cursors.map(([audience, cursor], i) => {
      return { audience, cursor, head: feeds[i]?.cursor ?? EMPTY_HEAD };
    });
    const answer: AnswerBudget = { portion: new Portion(maxAnswerBytes), meter, isPartial };
    const missed: (readonly [Audience, Missed])[] = [];
    for (const { audience, cursor, head } of shortestFirst(places)) {
      missed.push([audience, await recover(recovery, audience, cursor, head, answer)]);
    }
    return missed;
  }

  #isIn(audience: Audience): boolean {
    return this.#socket.connected && this.#socket.rooms.has(roomOf(audience));
  }

  #enterFeed(feed: Feed, subscriber: HeldSubscriber, cursors: Cursors = {}): JoinPlace {
    const head = feed.enter(this.#socket.id, subscriber);
    return { audience: feed.audience, head, cursor: cursors[feed.audience] };
  }

  #answerFor({ meter }: Before): AnswerBudget {
    return { portion: new Portion(this.#options.maxAnswerBytes), meter, isPartial: false };
  }

  /** What came before the place where the socket entered, if the client asked for it. */
  async #before(
    { audience, head, cursor }: JoinPlace,
    last: Before['last'],
    answer: AnswerBudget,
  ): Promise<Entered> {
    const { recovery } = this.#options;
    if (cursor !== undefined) {
      return { audience, head, missed: await recover(recovery, audience, cursor, head, answer) };
    }
    const count = last?.get(audience);
    if (count === undefined) return { audience, head };
    return { audience, head, missed: await lastOf(recovery, audience, count, head, answer) };
  }

  /**
   * The feeds of audiences, once none is behind the client. Another gateway may have been faster. What this one still
   * has to pass on would then reach the client a second time.
   */
  async #feedsPast(audiences: readonly Audience[], cursors: Cursors = {}): Promise<readonly Feed[]> {
    const feeds = await this.#options.feeds.opened(audiences);
    const behind = feeds.filter(({ audience, cursor }) => isBeyond(cursors[audience], cursor));
    if (behind.length > 0) await Promise.all(behind.map((feed) => feed.refresh()));
    return feeds;
  }

  async #feedPast(audience: Audience, cursor: Cursor | undefined): Promise<Feed | undefined> {
    const [feed] = await this.#feedsPast([audience], { [audience]: cursor });
    return feed;
  }
}

/** Whether the client has, or may have, what comes after this place. */
function isBeyond(cursor: Cursor | undefined, { epoch, offset }: Cursor): boolean {
  return cursor !== undefined && (cursor.epoch !== epoch || cursor.offset > offset);
}

interface JoinPlace {
  readonly audience: Audience;
  readonly head: Cursor;
  readonly cursor: Cursor | undefined;
}

/**
 * Audiences in the order in which to read them, so that as many as possible fit into one answer. They are read one at
 * a time, because only what fits is read.
 */
function shortestFirst<Compared extends Pick<JoinPlace, 'head' | 'cursor'>>(
  places: readonly Compared[],
): readonly Compared[] {
  const length = ({ head, cursor }: Compared) => head.offset - (cursor?.offset ?? 0);
  return places.toSorted((one, other) => length(one) - length(other));
}
