/** The feeds of one node: one for each room that the node hosts, from its first socket to its last. */
import type { Logger } from 'pino';
import type { Adapter } from 'socket.io-adapter';
import { type Audience, audienceOf, roomOf } from '../../contract/audience.ts';
import type { Inbox } from '../../pipeline/inbox/inbox.ts';
import type { RecentEntries } from '../../pipeline/inbox/recent-entries.ts';
import { jittered } from '../../resilience/jitter.ts';
import { faultOf, isUnavailable, Unavailable } from '../../resilience/unavailable.ts';
import { Feed, type FeedOptions } from './feed.ts';
import type { Live, Receiver } from './live-messages.ts';

export interface FeedsOptions {
  readonly inbox: Inbox;
  readonly live: Live;
  /** How often, on average, each feed is compared with the head of its log. */
  readonly checkMs: number;
  readonly observers: FeedOptions['observers'];
  /** Learns which rooms this node hosts. Undefined where nothing is kept of their logs. */
  readonly recent?: Pick<RecentEntries, 'hosted' | 'left'> | undefined;
  readonly log: Pick<Logger, 'error'>;
  /** The time by which notifications expire. */
  readonly now: () => number;
}

/** Each tick checks a part of the feeds, to spread the load on this node and on Redis. */
const TICK_MS = 1_000;

/** Heads asked for in one call. */
const HEADS_AT_ONCE = 500;

export class Feeds {
  readonly #feeds = new Map<Audience, Feed>();
  readonly #options: FeedsOptions;
  #turn = this.#feeds.values();
  #timer: NodeJS.Timeout | undefined;

  /** Receives what the transport delivers. */
  readonly receiver: Receiver = {
    notification: (audience, message) => this.#feeds.get(audience)?.receive(message),
    marks: (audience, message) => this.#feeds.get(audience)?.receiveMarks(message),
    gap: () => void this.#check([...this.#feeds.values()]),
  };

  constructor(options: FeedsOptions) {
    this.#options = options;
    this.#tickLater();
  }

  /**
   * Follows the rooms of a namespace's adapter, which reports when the first socket enters a room and the last one
   * leaves it.
   */
  follow(adapter: Adapter): void {
    const { live, log, recent, ...options } = this.#options;
    const feedOptions: FeedOptions = {
      ...options,
      inForce: (room) => live.inForce(room),
      onFault: (audience, error) => log.error({ audience, ...faultOf(error) }, 'a feed does not go on'),
    };
    adapter.on('create-room', (room: string) => {
      const audience = audienceOf(room);
      if (audience === undefined) return;
      this.#feeds.set(audience, new Feed(audience, feedOptions));
      recent?.hosted(audience);
    });
    adapter.on('leave-room', (room: string, id: string) => {
      const audience = audienceOf(room);
      if (audience !== undefined) this.#feeds.get(audience)?.leave(id);
    });
    adapter.on('delete-room', (room: string) => {
      const audience = audienceOf(room);
      if (audience === undefined) return;
      this.#feeds.get(audience)?.close();
      this.#feeds.delete(audience);
      recent?.left(audience);
    });
  }

  /** Undefined when this node does not host the audience's room. */
  find(audience: Audience): Feed | undefined {
    return this.#feeds.get(audience);
  }

  /**
   * Resolves with the feeds of these audiences once all are open. The caller MUST have joined their rooms before.
   * Rejects if a room is left before its feed is open.
   */
  async opened(audiences: readonly Audience[]): Promise<readonly Feed[]> {
    const feeds = audiences.map((audience) => {
      const feed = this.#feeds.get(audience);
      if (feed === undefined) throw new Unavailable(`this node does not host ${roomOf(audience)}`);
      return feed;
    });
    // Most are of shared rooms, and were open before. A promise for each would be a part of what a session costs.
    const opening = feeds.flatMap((feed) => (feed.isOpen ? [] : [feed.opened]));
    if (opening.length > 0) await Promise.all(opening);
    return feeds;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #tickLater(): void {
    const delayMs = jittered(TICK_MS);
    this.#timer = setTimeout(async () => {
      await this.#check(this.#nextFeeds(Math.ceil((this.#feeds.size * TICK_MS) / this.#options.checkMs)));
      this.#tickLater();
    }, delayMs);
    this.#timer.unref();
  }

  /** The next `count` feeds, in rotation. The order stays the same when feeds come and go. */
  #nextFeeds(count: number): Feed[] {
    const feeds: Feed[] = [];
    while (feeds.length < count) {
      const { value, done } = this.#turn.next();
      if (done) {
        this.#turn = this.#feeds.values();
        break;
      }
      feeds.push(value);
    }
    return feeds;
  }

  async #check(feeds: readonly Feed[]): Promise<void> {
    for (let i = 0; i < feeds.length; i += HEADS_AT_ONCE) {
      const some = feeds.slice(i, i + HEADS_AT_ONCE);
      const asked = some.map(({ cursor }) => cursor);
      try {
        const heads = await this.#options.inbox.heads(some.map(({ audience }) => audience));
        heads.forEach((head, at) => {
          some[at]?.check(head, asked[at]);
        });
      } catch (error) {
        // When the store returns, so do the subscriptions, and the transport reports a gap.
        if (!isUnavailable(error)) this.#options.log.error(faultOf(error), 'feeds are not checked');
      }
    }
  }
}
