/** A gateway: a Socket.IO node that rings notifications on the devices connected to it. */
import type { Server as HttpServer } from 'node:http';
import type { Logger } from 'pino';
import { type Namespace, Server } from 'socket.io';
import type { Audience } from '../contract/audience.ts';
import type { UserInbox } from '../contract/inbox.ts';
import type { LiveMessage } from '../contract/live-message.ts';
import type { Verify } from '../contract/token.ts';
import type { Inbox } from '../inbox/inbox.ts';
import { authenticate, isAllowedOrigin } from './authenticate.ts';
import { Feeds } from './feeds.ts';
import { goaway } from './goaway.ts';
import { travelLight } from './light.ts';
import type { Live } from './live.ts';
import { Requests } from './requests.ts';
import type { GatewayServer, GatewaySocket } from './server.ts';
import { Session } from './session.ts';
import type { CompressionOptions } from './wire/compression.ts';
import { wireEngine } from './wire/engine.ts';
import { holdWrites } from './wire/shared-write.ts';

export interface GatewayOptions {
  readonly live: Live;
  readonly inbox: Inbox;
  readonly userInbox: UserInbox;
  /** Most notifications that are recovered of one audience. */
  readonly syncLimit: number;
  /** How often a feed is compared with the head of its log. */
  readonly checkMs: number;
  readonly verify: Verify;
  readonly allowedOrigins: readonly string[];
  readonly handshakeMs: number;
  readonly compression: Pick<CompressionOptions, 'thresholdBytes' | 'level'>;
  /** Whether the browser client is served at /socket.io/socket.io.esm.min.js. */
  readonly serveClient: boolean;
  readonly log: Logger;
  /** Whose connects and disconnects are logged. */
  readonly isSampled: (user: string) => boolean;
  readonly onPassedOn: (audience: Audience, message: LiveMessage, sockets: number) => void;
  readonly onHealed: (audience: Audience) => void;
  readonly onConnection: (outcome: 'accepted' | 'refused' | 'closed') => void;
}

/** Largest message that a client may send: a handshake with a large token and cursors for all of its audiences. */
const MAX_INBOUND_BYTES = 65_536;

export class Gateway {
  readonly #io: GatewayServer;
  readonly #feeds: Feeds;
  readonly #log: Logger;
  readonly #isSampled: (user: string) => boolean;

  /** Attaches to the HTTP server, which the caller starts and, after {@link close}, ends. */
  constructor(httpServer: HttpServer, options: GatewayOptions) {
    const { userInbox, syncLimit, checkMs, onHealed } = options;
    const { live, inbox, verify, allowedOrigins, handshakeMs, serveClient, log, onPassedOn, onConnection } =
      options;
    const feeds = new Feeds({ inbox, live, checkMs, onPassedOn, onHealed });
    // Socket.IO calls this with `new`, which an arrow function cannot be.
    function createAdapter(namespace: Namespace) {
      return live.adapterFor(namespace, feeds.receiver);
    }
    const session = {
      feeds,
      inbox: userInbox,
      recovery: { inbox, maxNotifications: syncLimit },
      deadlineMs: handshakeMs,
    };
    this.#feeds = feeds;
    this.#log = log;
    this.#isSampled = options.isSampled;
    this.#io = new Server(httpServer, {
      connectTimeout: handshakeMs,
      maxHttpBufferSize: MAX_INBOUND_BYTES,
      wsEngine: wireEngine({ ...options.compression, maxInboundBytes: MAX_INBOUND_BYTES }),
      serveClient,
      cors: { origin: allowedOrigins.includes('*') ? '*' : [...allowedOrigins] },
      allowRequest: (request, decide) => {
        const allowed = isAllowedOrigin(request, allowedOrigins);
        if (!allowed) {
          log.info({ origin: request.headers.origin }, 'connection refused: origin');
          onConnection('refused');
        }
        decide(allowed ? null : 'origin not allowed', allowed);
      },
      adapter: createAdapter,
    });
    feeds.follow(this.#io.of('/').adapter);
    this.#io.use(authenticate(verify, log, () => onConnection('refused')));
    const requests = new Requests({ inbox: userInbox, verify, log });
    this.#io.on('connection', (socket) => {
      onConnection('accepted');
      this.#watch(socket, () => onConnection('closed'));
      const started = new Session(socket, session);
      requests.listen(socket, started);
      travelLight(socket);
      // What says that the client is connected and what says as whom leave in one write.
      const release = holdWrites(socket.conn);
      started.started.then(release, release);
    });
  }

  /** Sends every socket of this node away, then takes no more. Resolves when all are closed. */
  async close(): Promise<void> {
    for (const socket of this.#io.of('/').sockets.values()) goaway(socket, 'shutting_down');
    await this.#io.close();
    this.#feeds.close();
  }

  /** The lines of sampled users, and of whoever was sent away. */
  #watch(socket: GatewaySocket, onClosed: () => void): void {
    const isSampled = this.#isSampled(socket.data.identity.user);
    if (isSampled) {
      const { address } = socket.handshake;
      this.#log.info({ ...whoIs(socket), address, transport: socket.conn.transport.name }, 'connected');
    }
    socket.on('disconnect', (reason) => {
      const { closedAs } = socket.data;
      if (isSampled || closedAs !== undefined) {
        this.#log.info({ ...whoIs(socket), reason, code: closedAs }, 'disconnected');
      }
      onClosed();
    });
  }
}

function whoIs({ id, data: { identity, device } }: GatewaySocket) {
  return { session: id, user: identity.user, device };
}
