/** Who is there: what the presence of sessions is told of each socket, from its `session` message to its end. */
import { type Audience, audienceOf } from '../../contract/audience.ts';
import type { Cursor } from '../../contract/notification.ts';
import type { Attendee, PresentSession, Registering } from '../../contract/presence.ts';
import type { Cursors } from '../../contract/recovery.ts';
import type { Feeds } from './feeds.ts';
import type { GatewaySocket } from './server.ts';

export interface PresenceReporterOptions {
  readonly node: string;
  readonly presence: Registering;
  readonly feeds: Feeds;
  /** The time that all processes go by. */
  readonly now: () => number;
}

type Places = ReadonlyMap<Audience, Cursor>;

export class PresenceReporter {
  readonly #options: PresenceReporterOptions;
  readonly #told = new WeakMap<GatewaySocket, PresentSocket>();

  constructor(options: PresenceReporterOptions) {
    this.#options = options;
  }

  /** MUST be called for each socket when it has connected. */
  follow(socket: GatewaySocket): void {
    const { presence } = this.#options;
    // At its 'disconnect' it is in no room any more.
    socket.on('disconnecting', () => presence.gone(socket.id, this.#placesOf(socket)));
    const { conn } = socket;
    if (conn.transport.name === 'websocket') return;
    conn.once('upgrade', () => {
      const told = this.#told.get(socket);
      // The session may have left a connection that goes on.
      if (told !== undefined && socket.connected) presence.present(told);
    });
  }

  /** The client was told where it begins; after that, where it goes on with other departments. */
  told(socket: GatewaySocket, places: Places, cursors: Cursors | undefined): void {
    const { node, presence, now } = this.#options;
    const known = this.#told.get(socket);
    known?.moveTo(places);
    const told = known ?? new PresentSocket(socket, node, places, presented(places, cursors), now());
    this.#told.set(socket, told);
    presence.present(told);
  }

  #placesOf({ rooms }: GatewaySocket): Record<string, Cursor> {
    return Object.fromEntries(
      [...rooms].flatMap((room) => {
        const audience = audienceOf(room);
        const cursor = audience === undefined ? undefined : this.#options.feeds.find(audience)?.cursor;
        return audience === undefined || cursor === undefined ? [] : [[audience, cursor]];
      }),
    );
  }
}

/**
 * A socket that knows where it begins. Its places stay a Map: as an object with the user's own name in it each would
 * have a hidden class of its own, at twice the memory.
 */
class PresentSocket implements Attendee {
  readonly #socket: GatewaySocket;
  readonly #node: string;
  readonly #connectedAtMs: number;
  readonly #cursors: Record<string, Cursor> | undefined;
  #places: Places;

  constructor(
    socket: GatewaySocket,
    node: string,
    places: Places,
    cursors: Record<string, Cursor> | undefined,
    connectedAtMs: number,
  ) {
    this.#socket = socket;
    this.#node = node;
    this.#places = places;
    this.#cursors = cursors;
    this.#connectedAtMs = connectedAtMs;
  }

  get user(): string {
    return this.#socket.data.identity.user;
  }

  get session(): string {
    return this.#socket.id;
  }

  /** Where it stays, it began when it first entered. */
  moveTo(places: Places): void {
    const before = this.#places;
    this.#places = new Map([...places].map(([audience, place]) => [audience, before.get(audience) ?? place]));
  }

  describe(): PresentSession {
    const { id, conn, data, handshake } = this.#socket;
    return {
      session: id,
      node: this.#node,
      ...(data.device === undefined ? {} : { device: data.device }),
      address: handshake.address,
      transport: conn.transport.name,
      connectedAt: new Date(this.#connectedAtMs).toISOString(),
      ...(this.#cursors === undefined ? {} : { cursors: this.#cursors }),
      audiences: Object.fromEntries(this.#places),
    };
  }
}

/** Of the cursors that the client presented those that were of use: the others may be anybody's, and many. */
function presented(places: Places, cursors: Cursors | undefined): Record<string, Cursor> | undefined {
  if (cursors === undefined) return undefined;
  const own = [...places.keys()].flatMap((audience) => {
    const cursor = cursors[audience];
    return cursor === undefined ? [] : [[audience, cursor] as const];
  });
  return Object.fromEntries(own);
}
