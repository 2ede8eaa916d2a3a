/**
 * A gateway in this process whose every wait is under the test's control: tokens, the store and RabbitMQ answer only
 * while the gate of that name is open. Tests can count what the gateway holds for sessions.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { pino } from 'pino';
import type { Adapter } from 'socket.io-adapter';
import type { Audience } from '../../src/contract/audience.ts';
import type { Attendee } from '../../src/contract/presence.ts';
import type { Verified } from '../../src/contract/token.ts';
import { ClientAddresses } from '../../src/edge/connections/client-addresses.ts';
import { ConnectionLimits } from '../../src/edge/gateway/connection-limits.ts';
import { Gateway } from '../../src/edge/gateway/gateway.ts';
import type { Live } from '../../src/edge/gateway/live-messages.ts';
import { MemoryLive } from '../../src/edge/gateway/memory-live-messages.ts';
import { reportPresence } from '../../src/edge/gateway/session-presence.ts';
import type { Inbox } from '../../src/pipeline/inbox/inbox.ts';
import { MemoryInbox } from '../../src/pipeline/inbox/memory-inbox.ts';
import { until } from './until.ts';

const TIMEOUT_MS = 20_000;
const HANDSHAKE_MS = 60_000;
const byKind = (value: number) => ({ user: value, department: value, topic: value, global: value });

const NO_MARKS = {
  version: 0,
  flagsOf: () => ({ seen: false, read: false, archived: false }),
};
const KEPT_ONE = { length: 1_000, ms: 3_600_000 };
const KEPT = { user: KEPT_ONE, department: KEPT_ONE, global: KEPT_ONE };

export type GateName =
  | 'verify'
  | 'place'
  | 'departments'
  | 'inForce'
  | 'heads'
  | 'read'
  | 'readNewest'
  | 'incarnations'
  | 'open'
  | 'marks'
  | 'list'
  | 'mark'
  | 'publish';

/** A call waits at a shut gate until the gate opens. */
class Gates {
  readonly #shut = new Map<GateName, (() => void)[]>();

  shut(name: GateName): void {
    this.#shut.set(name, []);
  }

  /** Resolves when a call waits at the gate. */
  reached(name: GateName): Promise<void> {
    return until(`somebody at ${name}`, TIMEOUT_MS, () => (this.#shut.get(name)?.length ?? 0) > 0);
  }

  openAll(): void {
    const waiting = [...this.#shut.values()].flat();
    this.#shut.clear();
    for (const pass of waiting) pass();
  }

  through<Args extends unknown[], Answer>(
    name: GateName,
    ask: (...args: Args) => Answer | Promise<Answer>,
  ): (...args: Args) => Promise<Answer> {
    return async (...args) => {
      const waiting = this.#shut.get(name);
      if (waiting !== undefined) await new Promise<void>((pass) => waiting.push(pass));
      return await ask(...args);
    };
  }
}

/** What the process holds for sessions, besides their sockets. */
interface Held {
  readonly rooms: readonly string[];
  readonly members: readonly string[];
  readonly present: readonly string[];
  readonly occupied: readonly Audience[];
  /** Over all nodes. */
  readonly places: readonly string[];
}

export interface GatedGateway {
  readonly url: string;
  readonly gates: Gates;
  /** The number of accepted connections that are not closed. */
  readonly connected: () => number;
  /** The number of connections of the HTTP server, WebSockets included. */
  readonly connections: () => Promise<number>;
  readonly held: () => Held;
  /** What the count of all nodes has: sessions of this node, and what a test adds. As many as `perUser` may be. */
  readonly places: Set<string>;
  readonly gateway: Gateway;
  readonly inbox: Inbox;
  readonly stop: () => Promise<void>;
}

export interface GatedOptions {
  readonly perUser?: number;
  readonly handshakeMs?: number;
}

/** In these tests the token is the user's name. Every topic is allowed. */
function identityOf(user: string): Verified {
  return {
    ok: true,
    identity: {
      user,
      departments: [],
      topics: ['*'],
      publish: ['*'],
      scopes: [],
      audiences: undefined,
      issuedAtMs: Date.now(),
      expiresAtMs: Date.now() + 3_600_000,
    },
  };
}

export async function startGatedGateway({
  perUser = 100,
  handshakeMs = HANDSHAKE_MS,
}: GatedOptions = {}): Promise<GatedGateway> {
  const gates = new Gates();
  const memory = new MemoryLive();
  let adapter: Adapter | undefined;
  const live: Live = {
    adapterFor: (namespace, receiver) => {
      adapter = memory.adapterFor(namespace, receiver);
      return adapter;
    },
    inForce: gates.through('inForce', () => memory.inForce()),
  };
  const log = new MemoryInbox({
    limits: { maxLength: byKind(1_000), maxAgeMs: byKind(3_600_000), dedupeMs: 60_000 },
    publish: (audience, bytes) => memory.publish(audience, bytes),
    now: Date.now,
  });
  const inbox: Inbox = {
    append: (audience, entries) => log.append(audience, entries),
    heads: gates.through('heads', (audiences) => log.heads(audiences)),
    read: gates.through('read', (audience, first, last) => log.read(audience, first, last)),
    readNewest: gates.through('readNewest', (...asked) => log.readNewest(...asked)),
    readEnvelopes: (...asked) => log.readEnvelopes(...asked),
    places: (...asked) => log.places(...asked),
    shadows: (audience) => log.shadows(audience),
    incarnations: gates.through('incarnations', (audience) => log.incarnations(audience)),
    fence: (audience) => log.fence(audience),
  };
  const present = new Map<string, Attendee>();
  const places = new Set<string>();
  const counts = { unseen: 0, unread: 0, version: 0 };
  let connected = 0;
  const httpServer = createServer();
  const gateway = new Gateway(httpServer, {
    store: {
      live,
      inbox,
      userInbox: {
        open: gates.through('open', () => ({ ...NO_MARKS, counted: counts, kept: KEPT, ahead: undefined })),
        marks: gates.through('marks', () => NO_MARKS),
        list: gates.through('list', () => ({ ok: true, value: { notifications: [], ...counts } })),
        mark: gates.through('mark', () => ({ ok: true, value: counts })),
      },
    },
    access: {
      verify: gates.through('verify', identityOf),
      isRevoked: () => false,
      departments: { of: gates.through('departments', () => undefined) },
      allowedOrigins: [],
      addresses: new ClientAddresses([]),
      onRefused: () => {},
    },
    limits: {
      connections: new ConnectionLimits({ perNode: 1_000, perAddress: 1_000, perUser }),
      sharedPlaces: {
        begin: gates.through('place', (_user: string, session: string) => {
          if (places.size >= perUser) return false;
          places.add(session);
          return true;
        }),
        end: (_user, session) => void places.delete(session),
      },
      requests: {
        begin: async () => ({ ok: true, meter: { spend: () => {} }, end: () => {} }),
      },
      events: { spent: async () => undefined, take: async () => undefined },
      messages: { perSecond: 1_000, burst: 1_000 },
      maxMessageBytes: 65_536,
      maxEventBytes: 65_536,
      maxTopics: 100,
      maxRecovered: 300,
      maxPendingBytes: 1_048_576,
      maxAnswerBytes: 524_288,
      maxPendingTotalBytes: 268_435_456,
      otherWaiters: () => [],
    },
    publish: gates.through('publish', () => undefined),
    handshakeMs,
    checkMs: 3_600_000,
    compression: { thresholdBytes: 512, level: 0 },
    serveClient: false,
    sessions: [
      {
        connected: () => {
          connected += 1;
        },
        closed: () => {
          connected -= 1;
        },
      },
      reportPresence('test', {
        present: (attendee) => void present.set(attendee.session, attendee),
        gone: (session) => void present.delete(session),
        forgotten: (session) => void present.delete(session),
      }),
    ],
    deliveries: [],
    log: pino({ level: 'silent' }),
    now: Date.now,
  });
  httpServer.listen(0, '127.0.0.1');
  await once(httpServer, 'listening');
  const bound = httpServer.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${bound.port}`,
    gates,
    connected: () => connected,
    connections: () =>
      new Promise((resolve, reject) =>
        httpServer.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    held: () => ({
      rooms: [...(adapter?.rooms.keys() ?? [])],
      members: [...(adapter?.sids.keys() ?? [])],
      present: [...present.keys()],
      occupied: [...gateway.roomCounts.take(true).keys()],
      places: [...places],
    }),
    places,
    gateway,
    inbox,
    stop: async () => {
      gates.openAll();
      httpServer.closeAllConnections();
      await gateway.close();
    },
  };
}
