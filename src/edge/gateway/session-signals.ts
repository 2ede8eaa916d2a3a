/** Announces what sockets do as signals: from the `session` message on until they go, and the topics that they are in. */
import type { Adapter } from 'socket.io-adapter';
import { type Audience, audienceKind, audienceOf, isOwn } from '../../contract/audience.ts';
import type { ClientSignal, Signals } from '../../contract/signal.ts';
import { codeOf } from './goaway.ts';
import type { GatewaySocket } from './server.ts';

const TOPIC_ROOM = '{topic:';

export interface AnnouncerOptions {
  readonly node: string;
  readonly signals: Signals;
  readonly adapter: Adapter;
  /** It is still asked while the socket leaves; undefined for what is no socket. */
  readonly socketOf: (id: string) => GatewaySocket | undefined;
}

export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #announced = new WeakSet<GatewaySocket>();

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    const { adapter, signals } = options;
    for (const [happening, name] of [
      ['join-room', 'topic.joined'],
      ['leave-room', 'topic.left'],
    ] as const) {
      if (signals.wants(name))
        adapter.on(happening, (room: string, id: string) => this.#moved(name, room, id));
    }
  }

  /** The socket has been told its `session`, for the first time or again. */
  told(socket: GatewaySocket): void {
    if (this.#announced.has(socket)) return;
    this.#announced.add(socket);
    const { signals } = this.#options;
    if (signals.wants('client.connected')) signals.emit('client.connected', this.#described(socket));
    if (!signals.wants('client.disconnected')) return;
    socket.on('disconnect', () => {
      const code = codeOf(socket.conn);
      const why = code === undefined ? {} : { code };
      signals.emit('client.disconnected', { ...this.#described(socket), ...why });
    });
  }

  #described({ id, conn, data: { identity, device }, handshake: { address } }: GatewaySocket) {
    return {
      user: identity.user,
      session: id,
      ...(device === undefined ? {} : { device }),
      node: this.#options.node,
      address,
      transport: conn.transport.name,
    };
  }

  #moved(name: TopicSignal, room: string, id: string): void {
    if (!room.startsWith(TOPIC_ROOM)) return;
    const audience = audienceOf(room);
    const socket = this.#options.socketOf(id);
    if (audience === undefined || socket === undefined || !isPublicTopic(audience)) return;
    const topic = audience.slice('topic:'.length);
    this.#options.signals.emit(name, { user: socket.data.identity.user, session: id, topic });
  }
}

type TopicSignal = Extract<ClientSignal, `topic.${string}`>;

function isPublicTopic(audience: Audience): boolean {
  return audienceKind(audience) === 'topic' && !isOwn(audience);
}
