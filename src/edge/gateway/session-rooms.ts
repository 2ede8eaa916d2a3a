/**
 * The rooms of one session: those that its token allows, with the departments that an operator has given the user
 * instead of the token's, and the topics that it has joined.
 */
import { type Audience, audienceKind, audienceOf, idOf, roomOf } from '../../contract/audience.ts';
import type { Cursor } from '../../contract/notification.ts';
import { allowsTopic, audiencesOfIdentity, type Identity } from '../../contract/token.ts';
import { type GivenDepartments, withDepartments } from '../../operate/access/departments.ts';
import { retried } from '../../resilience/retry.ts';
import { isUnavailable } from '../../resilience/unavailable.ts';
import type { Feeds } from './feeds.ts';
import { type Lifetime, SessionOver } from './lifetime.ts';
import type { GatewaySocket } from './server.ts';

export interface SessionRoomsOptions {
  readonly departments: GivenDepartments;
  readonly feeds: Feeds;
}

export class SessionRooms {
  readonly #socket: GatewaySocket;
  readonly #options: SessionRoomsOptions;
  readonly #life: Pick<Lifetime, 'isOver'>;
  /** The token's identity. The socket's identity differs when an operator has given the user other departments. */
  #claimed: Identity;
  #given: readonly string[] | undefined;
  #audiences: readonly Audience[];

  constructor(socket: GatewaySocket, options: SessionRoomsOptions, life: Pick<Lifetime, 'isOver'>) {
    this.#socket = socket;
    this.#options = options;
    this.#life = life;
    this.#claimed = socket.data.identity;
    this.#audiences = audiencesOfIdentity(socket.data.identity);
  }

  /**
   * The audiences whose inbox the session may see: those that the client knows of, as far as its token still allows
   * them.
   */
  get audiences(): readonly Audience[] {
    return this.#audiences;
  }

  /** Joins the rooms that the token allows at the beginning. */
  async join(): Promise<void> {
    await this.#socket.join(this.#audiences.map(roomOf));
  }

  /** Accepts a fresh token of the same user, and leaves rooms that it does not allow. */
  allow(claimed: Identity): void {
    if (claimed === this.#claimed) return;
    this.#claimed = claimed;
    this.#narrow(withDepartments(claimed, this.#given));
  }

  /** Leaves the rooms that the identity does not allow. */
  #narrow(identity: Identity): void {
    this.#socket.data.identity = identity;
    const given = new Set(audiencesOfIdentity(identity));
    this.#audiences = this.#audiences.filter((audience) => given.has(audience));
    const allowed = new Set(this.#audiences.map(roomOf));
    for (const room of this.#socket.rooms) {
      const audience = audienceOf(room);
      if (audience === undefined || allowed.has(room)) continue;
      const isAllowedTopic =
        audienceKind(audience) === 'topic' && allowsTopic(identity.topics, idOf(audience));
      if (!isAllowedTopic) void this.#socket.leave(room);
    }
  }

  /**
   * Reads the user's departments, and leaves and joins rooms accordingly. Returns whether the departments changed.
   *
   * @throws {SessionOver}
   */
  async updateDepartments(): Promise<boolean> {
    this.#given = await this.#givenDepartments();
    if (this.#life.isOver) throw new SessionOver();
    const before = this.#audiences;
    const identity = withDepartments(this.#claimed, this.#given);
    // Mostly nobody has given the user any, and the token is that with which the session began.
    const isUnchanged = identity === this.#socket.data.identity;
    if (isUnchanged && before.length === audiencesOfIdentity(identity).length) return false;
    this.#narrow(identity);
    const entered = audiencesOfIdentity(identity).filter((audience) => !before.includes(audience));
    const isSame = entered.length === 0 && this.#audiences.length === before.length;
    this.#audiences = audiencesOfIdentity(identity);
    await this.#socket.join(entered.map(roomOf));
    return !isSame;
  }

  /** How many topics the socket is in. */
  get topicCount(): number {
    return [...this.#socket.rooms].filter((room) => {
      const audience = audienceOf(room);
      return audience !== undefined && audienceKind(audience) === 'topic';
    }).length;
  }

  /** The place of the feed of each of its audiences. */
  placesNow(): Record<string, Cursor> {
    return Object.fromEntries(
      [...this.#socket.rooms].flatMap((room) => {
        const audience = audienceOf(room);
        const cursor = audience === undefined ? undefined : this.#options.feeds.find(audience)?.cursor;
        return audience === undefined || cursor === undefined ? [] : [[audience, cursor]];
      }),
    );
  }

  #givenDepartments(): Promise<readonly string[] | undefined> {
    const { departments } = this.#options;
    const { user } = this.#claimed;
    return retried(() => departments.of(user), {
      shouldRetry: (error) => isUnavailable(error) && !this.#life.isOver,
    });
  }
}
