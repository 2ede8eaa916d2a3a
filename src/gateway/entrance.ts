/** How a socket gets into the feeds of rooms that it has joined: behind which place, and what came before that. */

import { type Audience, roomOf } from '../contract/audience.ts';
import { type Cursor, EMPTY_HEAD } from '../contract/notification.ts';
import type { Cursors, Missed } from '../contract/recovery.ts';
import type { Meter } from '../contract/request-limits.ts';
import { Unavailable } from '../contract/unavailable.ts';
import { Portion } from '../limits/portion.ts';
import type { Feed } from './feed.ts';
import type { Feeds } from './feeds.ts';
import { HeldMember } from './member.ts';
import { type Answer, lastOf, type RecoveryOptions, recover } from './recovery.ts';
import type { GatewaySocket } from './server.ts';

export interface EntranceOptions {
  readonly feeds: Feeds;
  readonly recovery: RecoveryOptions;
  readonly maxPendingBytes: number;
  /** Of what was missed, in one answer. */
  readonly maxAnswerBytes: number;
}

/** What a client wants of what came before it enters: all since its cursors, or the last so many of each audience. */
export interface Before {
  readonly cursors?: Cursors | undefined;
  readonly last?: number | undefined;
  /** Is charged with what is read; undefined: nothing may be read. */
  readonly meter: Meter | undefined;
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
    { cursors = {}, last, meter }: Before,
  ): Promise<{ readonly entered: readonly Entered[]; release(): void }> {
    const feeds = await Promise.all(audiences.map((audience) => this.feedPast(audience, cursors[audience])));
    if (!this.#socket.connected || !audiences.every((audience) => this.#socket.rooms.has(roomOf(audience)))) {
      throw new Unavailable('the socket or the room went away meanwhile');
    }
    const { recovery, maxPendingBytes, maxAnswerBytes } = this.#options;
    const member = new HeldMember(this.#socket, maxPendingBytes);
    const places = feeds.map((feed) => ({
      audience: feed.audience,
      head: feed.enter(this.#socket.id, member),
      cursor: cursors[feed.audience],
    }));
    const answer: Answer = { portion: new Portion(maxAnswerBytes), meter, isPartial: false };
    const missed = new Map<Audience, Missed>();
    for (const { audience, cursor, head } of shortestFirst(places)) {
      if (cursor !== undefined) {
        missed.set(audience, await recover(recovery, audience, cursor, head, answer));
      } else if (last !== undefined) {
        missed.set(audience, await lastOf(recovery, audience, last, head, answer));
      }
    }
    const entered = places.map(({ audience, head }): Entered => {
      const found = missed.get(audience);
      return found === undefined ? { audience, head } : { audience, head, missed: found };
    });
    return { entered, release: () => member.release() };
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
    const answer: Answer = { portion: new Portion(maxAnswerBytes), meter, isPartial };
    const missed: (readonly [Audience, Missed])[] = [];
    for (const { audience, cursor, head } of shortestFirst(places)) {
      missed.push([audience, await recover(recovery, audience, cursor, head, answer)]);
    }
    return missed;
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

/** Of those that do not all have room in one answer, as many as possible. One after the other: it is read what fits. */
function shortestFirst<Place extends { readonly head: Cursor; readonly cursor: Cursor | undefined }>(
  places: readonly Place[],
): readonly Place[] {
  const length = ({ head, cursor }: Place) => head.offset - (cursor?.offset ?? 0);
  return places.toSorted((one, other) => length(one) - length(other));
}
