/** How a socket gets into the feeds of rooms that it has joined: behind which place, and what came before that. */
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
  /** Of what was missed, in one answer. */
  readonly maxAnswerBytes: number;
}

/** What a client wants of what came before it enters: all since its cursors, or the last so many of each audience. */
export interface Before {
  readonly cursors?: Cursors | undefined;
  readonly last?: ReadonlyMap<Audience, number> | undefined;
  /** Is charged with what is read; undefined: nothing may be read. */
  readonly meter: Meter | undefined;
}

/** Where a socket's live notifications of an audience begin, and what came before that, if it was asked for. */
export interface Entered {
  readonly audience: Audience;
  readonly head: Cursor;
  readonly missed?: Missed;
}

/** Which of several audiences were entered, and why the others were not. */
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
   * Lets the socket into the feeds of rooms that it has joined. The caller MUST call `release` once it has told the
   * client; until then everything that comes is held back.
   */
  async enter(
    audiences: readonly Audience[],
    before: Before,
  ): Promise<{ readonly entered: readonly Entered[]; release(): void }> {
    const feeds = await Promise.all(
      audiences.map((audience) => this.feedPast(audience, before.cursors?.[audience])),
    );
    if (!audiences.every((audience) => this.#isIn(audience))) {
      throw new Unavailable('the socket or the room went away meanwhile');
    }
    const subscriber = new HeldSubscriber(this.#socket, this.#options.maxPendingBytes);
    const places = feeds.map((feed) => this.#enterFeed(feed, subscriber, before.cursors));
    const answer = this.#answerFor(before);
    const entered = new Map<Audience, Entered>();
    for (const place of shortestFirst(places)) {
      entered.set(place.audience, await this.#before(place, before.last, answer));
    }
    return {
      entered: audiences.flatMap((audience) => entered.get(audience) ?? []),
      release: () => subscriber.release(),
    };
  }

  /**
   * The same, each audience by itself: the caller MUST leave the rooms of those that are not among `entered`. They
   * share one answer. `within`: how long each may take.
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
        // Whoever asked tells an outage from a fault of ours.
        failures.push(error);
        return undefined;
      }
    };
    const feeds = await Promise.all(
      audiences.map((audience) => unlessFailed(this.feedPast(audience, before.cursors?.[audience]))),
    );
    const subscribers = new Map<Audience, HeldSubscriber>();
    // In one turn, as each would by itself.
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

  /** What the client missed in audiences that it is in; `isPartial`: it understands that there is more. */
  async missedSince(
    cursors: readonly (readonly [Audience, Cursor])[],
    meter: Meter,
    isPartial: boolean,
  ): Promise<readonly (readonly [Audience, Missed])[]> {
    const { recovery, maxAnswerBytes } = this.#options;
    const feeds = await Promise.all(cursors.map(([audience, cursor]) => this.feedPast(audience, cursor)));
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

  /** What came before the place, as far as it was asked for. */
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
   * The feed of an audience, not behind the client: another gateway may have been quicker, and what this one still
   * had to pass on would come to the client a second time.
   */
  async feedPast(audience: Audience, cursor: Cursor | undefined): Promise<Feed> {
    const [feed] = await this.#options.feeds.opened([audience]);
    if (feed === undefined) throw new Unavailable(`this node does not host ${audience}`);
    const { epoch, offset } = feed.cursor;
    if (cursor !== undefined && (cursor.epoch !== epoch || cursor.offset > offset)) await feed.refresh();
    return feed;
  }
}

interface JoinPlace {
  readonly audience: Audience;
  readonly head: Cursor;
  readonly cursor: Cursor | undefined;
}

/** Of those that do not all have room in one answer, as many as possible. One after the other: it is read what fits. */
function shortestFirst<Compared extends Pick<JoinPlace, 'head' | 'cursor'>>(
  places: readonly Compared[],
): readonly Compared[] {
  const length = ({ head, cursor }: Compared) => head.offset - (cursor?.offset ?? 0);
  return places.toSorted((one, other) => length(one) - length(other));
}
