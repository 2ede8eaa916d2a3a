/** Who is there: what the registry of sessions is told of each socket, from its `session` message to its end. */
import { type Audience, audienceOf } from '../contract/audience.ts';
import type { Cursor } from '../contract/notification.ts';
import type { PresentSession, Registering } from '../contract/presence.ts';
import type { Cursors } from '../contract/recovery.ts';
import type { Feeds } from './feeds.ts';
import type { GatewaySocket } from './server.ts';

export interface AttendanceOptions {
  readonly node: string;
  readonly registry: Registering;
  readonly feeds: Feeds;
}

export class Attendance {
  readonly #options: AttendanceOptions;
  readonly #told = new WeakMap<GatewaySocket, PresentSession>();

  constructor(options: AttendanceOptions) {
    this.#options = options;
  }

  /** MUST be called for each socket when it has connected. */
  follow(socket: GatewaySocket): void {
    // At its 'disconnect' it is in no room any more.
    socket.on('disconnecting', () => this.#options.registry.gone(socket.id, this.#placesOf(socket)));
    const { conn } = socket;
    if (conn.transport.name === 'websocket') return;
    conn.once('upgrade', () => {
      const told = this.#told.get(socket);
      if (told !== undefined) this.#tell(socket, { ...told, transport: conn.transport.name });
    });
  }

  /** The client was told where it begins; after that, where it goes on with other departments. */
  told(socket: GatewaySocket, places: ReadonlyMap<Audience, Cursor>, cursors: Cursors | undefined): void {
    const before = this.#told.get(socket);
    if (before === undefined) {
      this.#tell(socket, {
        ...this.#described(socket),
        ...presented(places, cursors),
        audiences: entries(places),
      });
      return;
    }
    // Where it stays, it began when it first entered.
    const audiences = entries(places, (audience, place) => before.audiences[audience] ?? place);
    this.#tell(socket, { ...before, audiences });
  }

  #tell(socket: GatewaySocket, session: PresentSession): void {
    this.#told.set(socket, session);
    this.#options.registry.present(socket.data.identity.user, session);
  }

  #described({ id, conn, data: { device }, handshake: { address } }: GatewaySocket) {
    return {
      session: id,
      node: this.#options.node,
      ...(device === undefined ? {} : { device }),
      address,
      transport: conn.transport.name,
      connectedAt: new Date().toISOString(),
    };
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

/** Of the cursors that the client presented those that were of use: the others may be anybody's, and many. */
function presented(places: ReadonlyMap<Audience, Cursor>, cursors: Cursors | undefined) {
  if (cursors === undefined) return {};
  const own = [...places.keys()].flatMap((audience) => {
    const cursor = cursors[audience];
    return cursor === undefined ? [] : [[audience, cursor] as const];
  });
  return { cursors: Object.fromEntries(own) };
}

function entries(
  places: ReadonlyMap<Audience, Cursor>,
  placeOf = (_audience: Audience, place: Cursor): Cursor => place,
): Record<string, Cursor> {
  return Object.fromEntries([...places].map(([audience, place]) => [audience, placeOf(audience, place)]));
}
