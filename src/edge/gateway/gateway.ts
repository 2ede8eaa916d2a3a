/** A gateway: a Socket.IO node that rings notifications on the devices connected to it. */
import type { Server as HttpServer } from 'node:http';
import { type Namespace, Server } from 'socket.io';
import { type Audience, audienceOf, roomOf } from '../../contract/audience.ts';
import { FIXED_LIMITS } from '../../contract/client-limits.ts';
import type { AdminCommand } from '../../operate/access/admin-command.ts';
import { faultOf } from '../../resilience/unavailable.ts';
import { Admission } from './admission.ts';
import { authenticate } from './authenticate.ts';
import { DeliveryObservers } from './delivery-observer.ts';
import { drain } from './drain.ts';
import { exactParser } from './exact-parser.ts';
import { Feeds } from './feeds.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { cutOff } from './goaway.ts';
import { allowHandshake, handshakeBytes, limitMessages } from './message-limits.ts';
import { releaseHandshake } from './released-handshake.ts';
import { ClientRequests } from './requests.ts';
import { RoomCounts } from './room-counts.ts';
import type { GatewayServer, GatewaySocket } from './server.ts';
import { Session, type SessionOptions } from './session.ts';
import type { SessionObserver } from './session-observer.ts';
import type { Subscriber } from './subscriber.ts';
import { TokenExpiry } from './token-expiry.ts';
import { wireEngine } from './wire/engine.ts';
import { PendingTotal } from './wire/pending.ts';
import { followPolling } from './wire/polling-backlog.ts';
import { connectionOf, hasSession } from './wire/sessions.ts';
import { type Connection, holdWrites, pendingBytes } from './wire/shared-write.ts';

export class Gateway {
  readonly #io: GatewayServer;
  readonly #admission: Admission;
  readonly #feeds: Feeds;
  readonly #pending: PendingTotal;
  readonly #sessions = new Map<string, Session>();
  readonly #tokenExpiry: TokenExpiry;
  /** Who is in the rooms of this node. */
  readonly roomCounts: RoomCounts;

  /** Attaches to the HTTP server, which the caller starts. */
  constructor(httpServer: HttpServer, options: GatewayOptions) {
    const { store, access, limits, handshakeMs, checkMs, log, now } = options;
    const { live, inbox, userInbox, recent } = store;
    const { allowedOrigins, verify, onRefused } = access;
    const observers = recent === undefined ? options.deliveries : [...options.deliveries, recent];
    const deliveries = new DeliveryObservers(observers, (error) =>
      log.error(faultOf(error), 'an observer of deliveries failed; its next faults are not told'),
    );
    const feeds = new Feeds({ inbox, live, checkMs, observers: deliveries, recent, log, now });
    // Socket.IO calls this with `new`, which an arrow function cannot be.
    function createAdapter(namespace: Namespace) {
      return live.adapterFor(namespace, feeds.receiver);
    }
    const { connections: connectionLimits, messages } = limits;
    const admission = new Admission({ ...access, connectionLimits, messages, log });
    const { maxMessageBytes, maxPendingBytes, maxAnswerBytes } = limits;
    const maxInboundBytes = handshakeBytes(maxMessageBytes);
    const pending = new PendingTotal({
      maxBytes: limits.maxPendingTotalBytes,
      onExceeded: (cutOff, pendingBytes) =>
        log.warn({ pendingBytes, cutOff }, 'too much waits for clients; the slowest were cut off'),
    });
    pending.watch(limits.otherWaiters);
    this.#admission = admission;
    this.#pending = pending;
    this.#feeds = feeds;
    this.#tokenExpiry = new TokenExpiry(this.#sessions, now);
    this.#io = new Server(httpServer, {
      connectTimeout: handshakeMs,
      maxHttpBufferSize: maxMessageBytes,
      wsEngine: wireEngine({ ...options.compression, maxInboundBytes, maxPendingBytes, pending }),
      // One answer to a polling client holds several messages: compressed together, secrets would share it with text
      // that strangers chose.
      httpCompression: false,
      serveClient: options.serveClient,
      cors: allowedOrigins.includes('*')
        ? { origin: '*' }
        : (request, decide) => decide(null, { origin: admission.allowsOrigin(request) ? true : [] }),
      adapter: createAdapter,
      parser: exactParser,
    });
    const { adapter, sockets } = this.#io.of('/');
    feeds.follow(adapter);
    this.roomCounts = new RoomCounts({ adapter, userOf: (id) => sockets.get(id)?.data.identity.user });
    this.#observeRooms(options.sessions);
    const { engine } = this.#io;
    engine.use(
      admission.guard(
        (id) => hasSession(engine, id),
        (id) => connectionOf(engine, id),
      ),
    );
    engine.on('connection', (connection: Connection) => {
      admission.admit(connection);
      allowHandshake(connection, maxMessageBytes);
      followPolling(connection, pending, () => cutOff(connection));
    });
    const { sharedPlaces } = limits;
    this.#io.use(authenticate({ verify, connectionLimits, sharedPlaces, log, onRefused }));
    const sessionOptions: SessionOptions = {
      feeds,
      inbox: userInbox,
      departments: access.departments,
      observers: [{ closed: ({ id }) => void this.#sessions.delete(id) }, ...options.sessions],
      recovery: {
        inbox,
        maxNotifications: limits.maxRecovered,
        observers: deliveries,
        now,
      },
      deadlineMs: handshakeMs,
      limits: limits.requests,
      log,
      maxPendingBytes,
      maxAnswerBytes,
      clientLimits: {
        ...FIXED_LIMITS,
        messagesAtOnce: limits.messages.burst,
        messagesPerSecond: limits.messages.perSecond,
        topicsPerSession: limits.maxTopics,
        lastPerTopic: limits.maxRecovered,
      },
    };
    const { publish } = options;
    const { maxTopics, maxEventBytes } = limits;
    const requests = new ClientRequests({
      inbox: userInbox,
      verify,
      publish,
      quota: limits.events,
      limits: limits.requests,
      maxPendingBytes: maxAnswerBytes,
      maxTopics,
      maxLast: limits.maxRecovered,
      maxEventBytes,
      log,
    });
    const sessions = this.#sessions;
    // Socket.IO calls its listeners with the socket as `this`. So all sockets can share them: closures for each would
    // take memory as long as it lives.
    function leaving(this: GatewaySocket) {
      sessions.get(this.id)?.leaving();
    }
    function closed(this: GatewaySocket, reason: string) {
      sessions.get(this.id)?.closed(reason);
    }
    function request(this: GatewaySocket, name: string, ...args: unknown[]) {
      const session = sessions.get(this.id);
      if (session !== undefined) requests.answer({ socket: this, session }, name, args);
    }
    this.#io.on('connection', (socket) => {
      const messageMaxBytes = limitMessages(socket, maxMessageBytes);
      const session = new Session(socket, sessionOptions, messageMaxBytes);
      sessions.set(session.id, session);
      // At 'disconnect' the socket has already left its rooms.
      socket.on('disconnecting', leaving);
      socket.on('disconnect', closed);
      socket.onAny(request);
      // The token may have been revoked since it was verified.
      if (access.isRevoked(socket.data.identity)) session.end('token_revoked');
      // This connection was let in before the node began to drain, and `drain` does not know its session.
      if (admission.isClosed) session.end('shutting_down');
      releaseHandshake(socket);
      // Sends Socket.IO's connect packet and the `session` message in one write.
      const release = holdWrites(socket.conn);
      session.started.then(release, release);
    });
  }

  /** Listens to the adapter only if an observer follows rooms. */
  #observeRooms(observers: readonly SessionObserver[]): void {
    const { adapter } = this.#io.of('/');
    for (const [happening, method] of [
      ['join-room', 'joined'],
      ['leave-room', 'left'],
    ] as const) {
      const concerned = observers.filter((observer) => observer[method] !== undefined);
      if (concerned.length === 0) continue;
      adapter.on(happening, (room: string, id: string) => {
        const session = this.#sessions.get(id);
        const audience = session === undefined ? undefined : audienceOf(room);
        if (session === undefined || audience === undefined) return;
        for (const observer of concerned) observer[method]?.(session, audience);
      });
    }
  }

  /**
   * Lets a subscriber that is not a socket receive what is published to an audience's room. Rejects if the room
   * cannot be hosted now; the caller may then try again.
   */
  async host(audience: Audience, subscriber: Subscriber): Promise<void> {
    const { adapter } = this.#io.of('/');
    const id = `host of ${audience}`;
    await adapter.addAll(id, new Set([roomOf(audience)]));
    try {
      const [feed] = await this.#feeds.opened([audience]);
      feed?.enter(id, subscriber);
    } catch (error) {
      await adapter.delAll(id);
      throw error;
    }
  }

  /** The bytes that wait for clients: in total, for the client that is furthest behind, and in memory. */
  pendingBytes(): { readonly sum: number; readonly largest: number; readonly memory: number } {
    let sum = 0;
    let largest = 0;
    for (const { conn } of this.#io.of('/').sockets.values()) {
      const bytes = pendingBytes(conn);
      sum += bytes;
      if (bytes > largest) largest = bytes;
    }
    return { sum, largest, memory: this.#pending.bytes };
  }

  /** Carries out a command that an operator gave to all nodes. */
  obey(command: AdminCommand): void {
    if (command.kind === 'log-level') return;
    const { adapter } = this.#io.of('/');
    for (const id of [...(adapter.rooms.get(roomOf(`user:${command.user}`)) ?? [])]) {
      const session = this.#sessions.get(id);
      if (session === undefined) continue;
      if (command.kind === 'departments') session.move();
      else if (session.issuedAtMs >= (command.notBeforeMs ?? 0)) session.end('disconnected');
      else {
        session.isErased = command.erases === true;
        session.end('token_revoked');
      }
    }
  }

  /** Refuses new connections and sends every socket away, spread over `drainMs`. Resolves when all are closed. */
  async drain(drainMs: number): Promise<void> {
    this.#admission.close();
    await drain([...this.#sessions.values()], drainMs);
  }

  /** Also closes the HTTP server. Resolves when all of its connections are closed, which the caller MUST see to. */
  async close(): Promise<void> {
    await this.#io.close();
    this.#feeds.close();
    this.#tokenExpiry.close();
    this.#pending.close();
  }
}
