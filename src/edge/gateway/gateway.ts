/** A gateway: a Socket.IO node that rings notifications on the devices connected to it. */
import type { Server as HttpServer } from 'node:http';
import type { Logger } from 'pino';
import { type Namespace, Server } from 'socket.io';
import { type Audience, roomOf } from '../../contract/audience.ts';
import { FIXED_LIMITS } from '../../contract/client-limits.ts';
import type { ReadEvent } from '../../contract/cloudevent.ts';
import type { Registering } from '../../contract/presence.ts';
import type { Signals } from '../../contract/signal.ts';
import type { Identity, Verify } from '../../contract/token.ts';
import type { AdminCommand } from '../../operate/access/admin-command.ts';
import type { GivenDepartments } from '../../operate/access/departments.ts';
import type { Inbox } from '../../pipeline/inbox/inbox.ts';
import type { LiveMessage } from '../../pipeline/inbox/live-message.ts';
import type { UserInbox } from '../../pipeline/inbox/user-inbox.ts';
import type { EventQuota, RequestLimits } from '../limits/request-limits.ts';
import type { Rate } from '../limits/token-bucket.ts';
import { Admission, type AdmissionOptions } from './admission.ts';
import { authenticate } from './authenticate.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import { drain } from './drain.ts';
import { followToItsEnd } from './ends.ts';
import { exactParser } from './exact-parser.ts';
import { Feeds } from './feeds.ts';
import { cutOff, goaway } from './goaway.ts';
import { IdleConnections } from './idle-connections.ts';
import type { Live } from './live-messages.ts';
import { allowHandshake, handshakeBytes, limitMessages } from './message-limits.ts';
import { PresenceReporter } from './presence-reporter.ts';
import type { RecoveryOptions } from './recovery.ts';
import { releaseHandshake } from './released-handshake.ts';
import { Requests } from './requests.ts';
import { RoomCounts } from './room-counts.ts';
import type { GatewayServer, GatewaySocket } from './server.ts';
import { Session, type SessionOptions } from './session.ts';
import { Announcer } from './session-signals.ts';
import type { Subscriber } from './subscriber.ts';
import type { CompressionOptions } from './wire/compression.ts';
import { wireEngine } from './wire/engine.ts';
import { PendingTotal, type Waiter } from './wire/pending.ts';
import { followPolling } from './wire/polling-backlog.ts';
import { connectionOf, hasSession } from './wire/sessions.ts';
import { type Connection, holdWrites, pendingBytes } from './wire/shared-write.ts';

export interface GatewayOptions {
  readonly node: string;
  readonly live: Live;
  readonly inbox: Inbox;
  readonly userInbox: UserInbox;
  readonly departments: GivenDepartments;
  readonly presence: Registering;
  readonly signals: Signals;
  /** Most notifications that are recovered of one audience. */
  readonly syncLimit: number;
  /** How often a feed is compared with the head of its log. */
  readonly checkMs: number;
  readonly verify: Verify;
  /** Resolves once the queue has confirmed the event; rejects when it may not have it. */
  readonly publish: (read: ReadEvent) => Promise<void>;
  readonly quota: EventQuota;
  readonly requestLimits: RequestLimits;
  readonly isRevoked: (identity: Identity) => boolean;
  readonly allowedOrigins: readonly string[];
  readonly consolePort?: AdmissionOptions['consolePort'];
  readonly addresses: AdmissionOptions['addresses'];
  readonly connectionLimits: ConnectionLimits;
  readonly limits: GatewayLimits;
  /** For whom something waits besides those that the gateway writes to. */
  readonly otherWaiters: () => Iterable<Waiter>;
  readonly handshakeMs: number;
  readonly compression: Pick<CompressionOptions, 'thresholdBytes' | 'level'>;
  /** Whether the browser client is served at /socket.io/socket.io.esm.min.js. */
  readonly serveClient: boolean;
  readonly log: Logger;
  /** Whose connects and disconnects are logged. */
  readonly isSampled: (user: string) => boolean;
  readonly onPassedOn: (audience: Audience, message: LiveMessage, sockets: number) => void;
  readonly onHealed: (audience: Audience) => void;
  readonly onRecovery: RecoveryOptions['onRecovery'];
  /** The time that all processes go by: notifications expire by it, and sessions begin. */
  readonly now: () => number;
  /** `code`: why this node refused or closed it; empty when it did not, or the client left by itself. */
  readonly onConnection: (outcome: 'accepted' | 'refused' | 'closed', code: string) => void;
}

interface GatewayLimits {
  /** Of one client. */
  readonly messages: Rate;
  readonly maxMessageBytes: number;
  /** Of what clients publish. */
  readonly maxEventBytes: number;
  readonly maxTopics: number;
  /** What may wait for a client that does not take what it is sent. */
  readonly maxPendingBytes: number;
  /** For all of them together. */
  readonly maxPendingTotalBytes: number;
  /** Of what a client missed. MUST leave room in `maxPendingBytes` for what else is sent. */
  readonly maxAnswerBytes: number;
}

export class Gateway {
  readonly #io: GatewayServer;
  readonly #admission: Admission;
  readonly #feeds: Feeds;
  readonly #pending: PendingTotal;
  readonly #sessions = new WeakMap<GatewaySocket, Session>();
  /** Who is in the rooms of this node. */
  readonly roomCounts: RoomCounts;

  /** Attaches to the HTTP server, which the caller starts. */
  constructor(httpServer: HttpServer, options: GatewayOptions) {
    const { live, inbox, userInbox, verify, handshakeMs, allowedOrigins, limits, log } = options;
    const { checkMs, onPassedOn, onHealed, onConnection, now } = options;
    const feeds = new Feeds({ inbox, live, checkMs, onPassedOn, onHealed, now });
    // Socket.IO calls this with `new`, which an arrow function cannot be.
    function createAdapter(namespace: Namespace) {
      return live.adapterFor(namespace, feeds.receiver);
    }
    const { connectionLimits } = options;
    const onRefused = (code: string) => onConnection('refused', code);
    const idleConnections = new IdleConnections(handshakeMs);
    const hasBegun = (connection: Connection) => idleConnections.hasFollowed(connection);
    const admission = new Admission({ ...options, messages: limits.messages, hasBegun, onRefused });
    const { maxMessageBytes, maxPendingBytes, maxAnswerBytes } = limits;
    const maxInboundBytes = handshakeBytes(maxMessageBytes);
    const pending = new PendingTotal({
      maxBytes: limits.maxPendingTotalBytes,
      onExceeded: (cutOff, pendingBytes) =>
        log.warn({ pendingBytes, cutOff }, 'too much waits for clients; the slowest were cut off'),
    });
    pending.watch(options.otherWaiters);
    this.#admission = admission;
    this.#pending = pending;
    this.#feeds = feeds;
    this.#io = new Server(httpServer, {
      connectTimeout: handshakeMs,
      maxHttpBufferSize: maxMessageBytes,
      wsEngine: wireEngine({ ...options.compression, maxInboundBytes, maxPendingBytes, pending }),
      // What waited for a client that polls comes in one answer: secrets beside what strangers chose.
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
    this.#io.use(authenticate({ verify, connectionLimits, log, onRefused }));
    const presenceReporter = new PresenceReporter({
      node: options.node,
      presence: options.presence,
      feeds,
      now,
    });
    const announcer = new Announcer({
      node: options.node,
      signals: options.signals,
      adapter,
      socketOf: (id) => sockets.get(id),
    });
    const session: SessionOptions = {
      feeds,
      inbox: userInbox,
      departments: options.departments,
      onTold: (socket, places, cursors) => {
        presenceReporter.told(socket, places, cursors);
        announcer.told(socket);
      },
      recovery: { inbox, maxNotifications: options.syncLimit, onRecovery: options.onRecovery, now },
      deadlineMs: handshakeMs,
      limits: options.requestLimits,
      log,
      maxPendingBytes,
      maxAnswerBytes,
      clientLimits: {
        ...FIXED_LIMITS,
        messagesAtOnce: limits.messages.burst,
        messagesPerSecond: limits.messages.perSecond,
        topicsPerSession: limits.maxTopics,
        lastPerTopic: options.syncLimit,
      },
    };
    const { publish, quota } = options;
    const { maxTopics, maxEventBytes } = limits;
    const maxLast = options.syncLimit;
    const requests = new Requests({
      inbox: userInbox,
      verify,
      publish,
      quota,
      limits: options.requestLimits,
      maxPendingBytes: maxAnswerBytes,
      maxTopics,
      maxLast,
      maxEventBytes,
      log,
    });
    this.#io.on('connection', (socket) => {
      onConnection('accepted', '');
      const messageMaxBytes = limitMessages(socket, maxMessageBytes);
      idleConnections.follow(socket);
      presenceReporter.follow(socket);
      const isShown = options.isSampled(socket.data.identity.user);
      followToItsEnd(socket, { isShown, log, onClosed: (code) => onConnection('closed', code) });
      const started = new Session(socket, session, messageMaxBytes);
      this.#sessions.set(socket, started);
      // Its token was verified a moment ago, and may have been revoked since.
      if (options.isRevoked(socket.data.identity)) goaway(socket, 'token_revoked');
      // It was let in before this node began to go down, and is not among those that are sent away little by little.
      if (admission.isClosed) goaway(socket, 'shutting_down');
      requests.listen(socket, started);
      releaseHandshake(socket);
      // What says that the client is connected and what says as whom leave in one write.
      const release = holdWrites(socket.conn);
      started.started.then(release, release);
    });
  }

  /**
   * Lets a member that is no socket have what comes to an audience's room. Rejects, and then may be called again, when
   * the room cannot be hosted now.
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

  /** What waits for clients to take it: of all of them, of the one that is most behind, and as memory. */
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

  /** What an operator told all nodes. */
  obey(command: AdminCommand): void {
    const { adapter, sockets } = this.#io.of('/');
    for (const id of [...(adapter.rooms.get(roomOf(`user:${command.user}`)) ?? [])]) {
      const socket = sockets.get(id);
      if (socket === undefined) continue;
      if (command.kind === 'departments') {
        this.#sessions.get(socket)?.move();
        continue;
      }
      const isRevoked = socket.data.identity.issuedAtMs < (command.notBeforeMs ?? 0);
      goaway(socket, isRevoked ? 'token_revoked' : 'disconnected');
    }
  }

  /** Lets nobody in any more and sends every socket away, spread over `drainMs`. Resolves when all are closed. */
  async drain(drainMs: number): Promise<void> {
    this.#admission.close();
    await drain([...this.#io.of('/').sockets.values()], drainMs);
  }

  /** Ends the HTTP server too: resolves when all of its connections are closed, which the caller MUST see to. */
  async close(): Promise<void> {
    await this.#io.close();
    this.#feeds.close();
    this.#pending.close();
  }
}
