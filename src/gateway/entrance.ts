/** How a socket gets into the feeds of rooms that it has joined: behind which place, and what came before that. */
import { type Audience, roomOf } from '../contract/audience.ts';
import { type Cursor, EMPTY_HEAD } from '../contract/notification.ts';
import type { Cursors, Missed } from '../contract/recovery.ts';
import type { Feed } from './feed.ts';
import type { Feeds } from './feeds.ts';
import { HeldMember } from './member.ts';
import { lastOf, type RecoveryOptions, recover } from './recovery.ts';
import type { GatewaySocket } from './server.ts';

export interface EntranceOptions {
  readonly feeds: Feeds;
  readonly recovery: RecoveryOptions;
  readonly maxPendingBytes: number;
}

/** What a client wants of what came before it enters: all since its cursors, or the last so many of each audience. */
export interface Before {
  readonly cursors?: Cursors | undefined;
  readonly last?: number | undefined;
}

/** Where a socket's live notifications of an audience begin, and what came before that, if it was asked for. */
export interface Entered {
  readonly audience: Audience;
  readonly head: Cursor;
  readonly missed?: Missed;
}

export class Entrance {
  readonly #socket: GatewaySocket;
  readonly #options: EntranceOptions;

  constructor(socket: GatewaySocket, options: EntranceOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /**
   * Lets the socket into the feeds of rooms that it has joined. The caller MUST call `release` once it has told the
   * client; until then everything that comes is held back.
   */
  async enter(
    audiences: readonly Audience[],
    { cursors = {}, last }: Before,
  ): Promise<{ readonly entered: readonly Entered[]; release(): void }> {
    const feeds = await Promise.all(audiences.map((audience) => this.feedPast(audience, cursors[audience])));
    if (!this.#socket.connected || !audiences.every((audience) => this.#socket.rooms.has(roomOf(audience)))) {
      throw new Error('the socket or the room went away meanwhile');
    }
    const { recovery, maxPendingBytes } = this.#options;
    const member = new HeldMember(this.#socket, maxPendingBytes);
    const heads = feeds.map((feed) => feed.enter(this.#socket.id, member));
    const entered = await Promise.all(
      feeds.map(async ({ audience }, i): Promise<Entered> => {
        const head = heads[i] ?? EMPTY_HEAD;
        const cursor = cursors[audience];
        if (cursor !== undefined) {
          return { audience, head, missed: await recover(recovery, audience, cursor, head) };
        }
        if (last === undefined) return { audience, head };
        return { audience, head, missed: await lastOf(recovery, audience, last, head) };
      }),
    );
    return { entered, release: () => member.release() };
  }

  /**
   * The feed of an audience, not behind the client: another gateway may have been quicker, and what this one still
   * had to pass on would come to the client a second time.
   */
  async feedPast(audience: Audience, cursor: Cursor | undefined): Promise<Feed> {
    const [feed] = await this.#options.feeds.opened([audience]);
    if (feed === undefined) throw new Error(`this node does not host ${audience}`);
    const { epoch, offset } = feed.cursor;
    if (cursor !== undefined && (cursor.epoch !== epoch || cursor.offset > offset)) await feed.refresh();
    return feed;
  }
}
