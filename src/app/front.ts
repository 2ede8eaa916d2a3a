/** The front: what users and producers connect to. Socket.IO and the API share one port. */
import type { FastifyInstance } from 'fastify';
import type { Health } from '../contract/health.ts';
import type { Verify } from '../contract/token.ts';
import type { ClientAddresses } from '../edge/connections/client-addresses.ts';
import type { Capacity } from '../edge/connections/descriptors.ts';
import { HttpConnections } from '../edge/connections/http-connections.ts';
import { ConnectionLimits } from '../edge/gateway/connection-limits.ts';
import { Gateway } from '../edge/gateway/gateway.ts';
import { logSessions } from '../edge/gateway/session-log.ts';
import type { SessionObserver } from '../edge/gateway/session-observer.ts';
import { reportPresence } from '../edge/gateway/session-presence.ts';
import { signalSessions } from '../edge/gateway/session-signals.ts';
import { serveBellFile } from '../edge/http/bell-file.ts';
import type { CheckOptions } from '../edge/http/console/check.ts';
import { crossOriginFor } from '../edge/http/cross-origin.ts';
import { serveEvents } from '../edge/http/events.ts';
import { serveHealth } from '../edge/http/health.ts';
import { serveInbox } from '../edge/http/inbox.ts';
import { PendingAnswers } from '../edge/http/pending-answers.ts';
import { closeConnectionsSoon, createServer, serveDocs } from '../edge/http/server.ts';
import { UserRequests } from '../edge/limits/user-requests.ts';
import type { ActivityRecorder } from '../observe/activity/activity-recorder.ts';
import { logSampledDeliveries } from '../observe/delivery-log.ts';
import { countDeliveries } from '../observe/delivery-metrics.ts';
import { createSampler } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Tracing } from '../observe/tracing.ts';
import type { AdminCommands } from '../operate/access/admin-commands.ts';
import { Presence } from '../operate/presence/presence.ts';
import { faultOf } from '../resilience/unavailable.ts';
import type { Backends } from './backends.ts';
import type { OwnCanary } from './canary.ts';
import type { OwnConsole } from './console.ts';
import { answerBytes, type Context } from './context.ts';
import type { Queue } from './queue.ts';

/** The folder with the built bell. The path is right from the sources and from the bundle. */
const BELL = new URL('../../dist/client/', import.meta.url);

export interface FrontParts {
  readonly addresses: ClientAddresses;
  readonly capacity: Capacity;
  readonly backends: Pick<Backends, 'store' | 'signals' | 'exposure'>;
  readonly queue: Queue;
  readonly verify: Verify;
  readonly adminCommands: AdminCommands;
  readonly health: Health;
  readonly canary: OwnCanary | undefined;
  readonly publishing: CheckOptions;
  readonly ownConsole: OwnConsole;
  /** Undefined when no OpenTelemetry SDK is registered. */
  readonly tracing: Tracing | undefined;
  readonly activityRecorder: ActivityRecorder | undefined;
}

/** Listens until its closers run, which send every socket away. */
export async function openFront(
  { node, config, log, metrics, closers }: Context,
  {
    addresses,
    capacity,
    backends,
    queue,
    verify,
    adminCommands,
    health,
    canary,
    publishing,
    ownConsole,
    tracing,
    activityRecorder,
  }: FrontParts,
): Promise<FastifyInstance> {
  const { store, signals, exposure } = backends;
  const app = await createServer({
    title: 'Carillon',
    description: 'Publish events, ask for health. Devices connect over Socket.IO: see asyncapi.yaml.',
    bodyLimitBytes: Math.max(config.EVENT_MAX_BYTES, MAX_BATCH_BYTES),
    addresses,
    compresses: config.COMPRESSION_LEVEL > 0,
    log,
    refusalOf: exposure.refusalOf,
  });
  closers.add('the public port', () => app.close());
  serveHealth(app, health);
  serveEvents(app, publishing.events);
  const { departments, now } = store;
  const requestLimits = new UserRequests({
    costPerSecond: config.USER_COST_PER_SECOND,
    atOnce: config.USER_REQUESTS_AT_ONCE,
    now: Date.now,
    onCost: (units) => metrics.requestCost(units),
    onRefused: (reason) => metrics.requestRefused(reason),
  });
  const answers = new PendingAnswers(answerBytes(config));
  const crossOrigin = crossOriginFor(config.ALLOWED_ORIGINS);
  const limits = requestLimits;
  serveInbox(app, { verify, inbox: store.userInbox, departments, limits, answers, crossOrigin });
  serveBellFile(app, { files: BELL, compresses: config.COMPRESSION_LEVEL > 0 });
  await serveDocs(app);
  const closing = new AbortController();
  exposure.serveDemo(app, ownConsole.sign, closing.signal);
  ownConsole.serveOnPublicPort(app);
  store.activity?.setConnectionCount(() => metrics.connected);
  const isSampled = createSampler(config.LOG_SAMPLE_RATE);
  const presence = new Presence({
    node,
    store: store.presence,
    beatMs: BEAT_MS,
    now,
    onFault: (error) => log.error(faultOf(error), 'presence is not written'),
  });
  closers.add('presence', () => presence.close());
  const connectionLimits = new ConnectionLimits({
    perNode: capacity.connections,
    perAddress: config.CONNECTIONS_PER_ADDRESS,
    perUser: config.CONNECTIONS_PER_USER,
  });
  const refused = (code: string) => metrics.connection('refused', code);
  const connections = new HttpConnections({ addresses, counts: connectionLimits, log, onRefused: refused });
  const gateway = new Gateway(app.server, {
    store,
    access: {
      verify,
      isRevoked: (identity) => adminCommands.isRevoked(identity),
      departments,
      allowedOrigins: config.ALLOWED_ORIGINS,
      consolePort: config.CONSOLE ? config.OPS_PORT : undefined,
      addresses,
      onRefused: refused,
    },
    limits: {
      connections: connectionLimits,
      sharedPlaces: store.sharedCounts.places,
      requests: requestLimits,
      events: publishing.events.quota,
      messages: { perSecond: config.CLIENT_MESSAGES_PER_SECOND, burst: config.CLIENT_MESSAGES_BURST },
      maxMessageBytes: config.CLIENT_MESSAGE_MAX_BYTES,
      maxEventBytes: config.EVENT_MAX_BYTES,
      maxTopics: config.TOPICS_PER_SESSION,
      maxRecovered: config.SYNC_LIMIT,
      maxPendingBytes: config.PENDING_MAX_BYTES,
      maxPendingTotalBytes: config.PENDING_TOTAL_MAX_BYTES,
      otherWaiters: () => connections.waiters(),
      maxAnswerBytes: answerBytes(config),
    },
    publish: (read) => queue.publish(read),
    handshakeMs: config.HANDSHAKE_SECONDS * 1000,
    checkMs: config.FEED_CHECK_SECONDS * 1000,
    compression: { thresholdBytes: config.COMPRESSION_THRESHOLD, level: config.COMPRESSION_LEVEL },
    serveClient: exposure.servesClient,
    sessions: [
      countSessions(metrics),
      reportPresence(node, presence),
      logSessions(log, (user) => isSampled({ source: 'session', id: user })),
      signalSessions(node, signals),
    ],
    deliveries: [
      countDeliveries(metrics, now),
      logSampledDeliveries(log),
      ...[activityRecorder, tracing, canary?.observer].filter((observer) => observer !== undefined),
    ],
    log,
    now,
  });
  closers.add('the gateway', () => gateway.close());
  connections.guard(app.server);
  metrics.watch({ pendingBytes: () => gateway.pendingBytes() });
  adminCommands.onAdminCommand((command) => gateway.obey(command));
  presence.start((isAll) => gateway.roomCounts.take(isAll));
  exposure.guard(app.server);
  await app.listen({ host: config.HOST, port: config.PORT });
  // The gateway and the port can close only once their connections have.
  closers.add("the port's connections", () => {
    closing.abort();
    closeConnectionsSoon(app);
  });
  closers.add("the gateway's sessions", async () => {
    canary?.stop();
    // The next answer on each connection says that it is the last one. Otherwise a connection that a proxy or a
    // producer keeps for later could close under a request, which would fail.
    app.server.maxRequestsPerSocket = 1;
    // What closes after this needs the rest of the time.
    await gateway.drain(Math.min(config.DRAIN_SECONDS, config.SHUTDOWN_TIMEOUT / 2) * 1000);
  });
  canary?.start(gateway);
  return app;
}

function countSessions(metrics: Pick<Metrics, 'connection'>): SessionObserver {
  return {
    connected: () => metrics.connection('accepted', ''),
    closed: ({ closeCode = '' }) => metrics.connection('closed', closeCode),
  };
}

/** Two beats may be lost in a row; after DEAD_AFTER_MS without one, other nodes take this one for dead. */
const BEAT_MS = 5_000;

const MAX_BATCH_BYTES = 1_048_576;
