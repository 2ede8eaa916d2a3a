/** The composition root: builds the parts that the configuration asks for, and closes them in reverse order. */
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { DELIVER_QUEUE } from '../adapters/rabbitmq/names.ts';
import type { Config } from '../config/config.ts';
import type { About } from '../contract/console.ts';
import { ClientAddresses } from '../edge/connections/client-addresses.ts';
import { serveAdmin } from '../edge/http/admin.ts';
import { AuditTrail } from '../edge/http/audit.ts';
import { serveHealth } from '../edge/http/health.ts';
import { createServer } from '../edge/http/server.ts';
import { createActivityRecorder } from '../observe/activity/activity-recorder.ts';
import { FileDescriptors } from '../observe/file-descriptors.ts';
import { PartsHealth, whether } from '../observe/health.ts';
import { LogLevelSwitch } from '../observe/log-level.ts';
import { Metrics } from '../observe/metrics.ts';
import { serveMetrics } from '../observe/metrics-route.ts';
import { openTracing } from '../observe/tracing.ts';
import { AdminCommands } from '../operate/access/admin-commands.ts';
import { AppendQueue } from '../pipeline/inbox/append-queue.ts';
import { Routing } from '../pipeline/routing/routing.ts';
import { MessageReader } from '../pipeline/sources/message-reader.ts';
import { reasonOf } from '../resilience/reason.ts';
import { within } from '../resilience/timeout.ts';
import { faultOf, isUnavailable } from '../resilience/unavailable.ts';
import { openCanary } from './canary.ts';
import { guardOpsPort, openCapacity } from './capacity.ts';
import { Closers } from './closers.ts';
import { openConsole } from './console.ts';
import { type Context, newNodeId, ownVersion } from './context.ts';
import { openDeadLetters } from './dead-letters.ts';
import { createDelivery } from './delivery.ts';
import { openEmbedded } from './embedded.ts';
import { openExplain } from './explain.ts';
import { openFront } from './front.ts';
import { openLogLevel } from './log-level.ts';
import { openPersonalData } from './personal-data.ts';
import { openProduction } from './production.ts';
import { openPublishing } from './publishing.ts';
import { openQueuesReport } from './queues-report.ts';
import { Reloading, readConfigFiles } from './reloading.ts';
import { openVerifier } from './verifier.ts';

export interface Service {
  /** This process's name among all that share a Redis. */
  readonly node: string;
  readonly mode: About['mode'];
  /** The addresses of RabbitMQ and Redis for the log, without passwords. */
  readonly places: Readonly<Record<string, unknown>>;
  /** The address of the API and of Socket.IO; undefined for a process that is only a consumer. */
  readonly url: string | undefined;
  readonly opsUrl: string;
  /** Reads ROUTES_FILE and SOURCES_FILE again at once. Does nothing once the process stops. Never rejects. */
  reload(): Promise<void>;
  /** Logs at `debug` for ten minutes, or goes back to LOG_LEVEL if it logs at another level. */
  toggleDebug(): void;
  /**
   * Makes the process unready, settles events under way, sends sockets away and closes everything. Rejects with what
   * could not be closed.
   */
  stop(): Promise<void>;
}

/**
 * If the start fails, everything that was opened is closed again, within the time that a stop may take.
 * @throws {FileError} when ROUTES_FILE or SOURCES_FILE is malformed
 * @throws the system's error when a file cannot be read or a port is taken
 */
export async function startService(
  config: Config,
  log: Logger,
  onFatal: (error: Error) => void,
): Promise<Service> {
  const closers = new Closers();
  try {
    return await openService(config, log, onFatal, closers);
  } catch (error) {
    await closeInTime(closers, config, log);
    throw error;
  }
}

async function openService(
  config: Config,
  log: Logger,
  onFatal: (error: Error) => void,
  closers: Closers,
): Promise<Service> {
  const files = readConfigFiles(config);
  const routing = new Routing(files.routes?.value ?? []);
  const sources = files.sources?.value;
  const reader = new MessageReader(sources, {
    maxBytes: config.EVENT_MAX_BYTES,
    maxAudiences: config.EVENT_MAX_AUDIENCES,
  });
  const node = newNodeId();
  const metrics = new Metrics({ node, version: ownVersion(), roles: config.ROLES.join(',') });
  const context: Context = { node, config, routing, sources, reader, log, metrics, closers, onFatal };
  let ops: FastifyInstance | undefined;
  // This closes last, because it reports the health of the other parts until then.
  closers.add("the operators' port", () => ops?.close());

  const backends =
    config.backends === undefined ? openEmbedded(context) : openProduction(context, config.backends);
  const { store, exposure } = backends;
  const appendQueue = new AppendQueue(store.inbox, (error) => {
    metrics.appendHeld();
    log.debug({ part: 'appends', reason: reasonOf(error) }, 'append held');
  });
  closers.add('the append queue', () => appendQueue.close());
  const tracing = openTracing(backends.messagingSystem, DELIVER_QUEUE);
  const activityRecorder =
    store.activity === undefined ? undefined : createActivityRecorder(store.activity, store.now);
  await store.knowsTime(CLOCK_MS);
  const observers = [tracing, activityRecorder].filter((observer) => observer !== undefined);
  const adminCommands = new AdminCommands({
    log: store.adminCommandLog,
    checkMs: config.FEED_CHECK_SECONDS * 1000,
    onError: (error) => {
      if (isUnavailable(error))
        log.debug({ part: 'admin commands', reason: reasonOf(error) }, 'admin commands not read');
      else log.error(faultOf(error), 'admin commands not read');
    },
  });
  closers.add('the admin commands', () => adminCommands.close());
  const level = new LogLevelSwitch(log);
  closers.add('the level of the log', () => level.close());
  const logLevel = openLogLevel({ node, level, adminCommands, now: store.now });
  await adminCommands.start();
  const delivery = createDelivery(context, { ...backends, appendQueue, observers, erasures: adminCommands });
  const queue = await backends.openQueue(delivery);
  const reloading = new Reloading({
    files,
    useRoutes: (routes) => routing.use(routes),
    useSources: (changed) => queue.useSources(changed),
    log,
    metrics: metrics.config,
  });
  const hasCanary = config.ROLES.includes('gateway') && config.CANARY_SECONDS > 0;
  const canary = hasCanary ? openCanary(context, { inbox: store.inbox, queue, now: store.now }) : undefined;
  const verifier = openVerifier(context, adminCommands, store.now);
  const descriptors = new FileDescriptors(log);
  closers.add('the file descriptors', () => descriptors.stop());
  descriptors.start();
  const health = new PartsHealth({
    ...store.probes,
    ...queue.probes,
    ...backends.appendProbes(() => appendQueue.isStalled),
    ...verifier.probes,
    ...(canary === undefined ? {} : { canary: () => canary.health }),
    ...reloading.probes,
    file_descriptors: () => descriptors.health,
    revocations: () => whether(adminCommands.isKnown, 'never read'),
  });

  metrics.watch({ health: () => health.ready() });
  const { verify } = verifier;
  const guard = { verify, audit: new AuditTrail({ node, log, signals: backends.signals }) };
  const publishing = openPublishing(context, queue, verify, store);
  const addresses = new ClientAddresses(config.TRUST_PROXY);
  const capacity = openCapacity(config, log);
  let front: FastifyInstance | undefined;
  const gatewayPort = () => (front === undefined ? null : Number(new URL(urlOf(front)).port));
  const ownConsole = openConsole(context, {
    exposure,
    activity: store.activity,
    publishing,
    guard,
    gatewayPort,
    dead: () => queue.dead(),
  });
  if (config.ROLES.includes('gateway')) {
    const parts = { addresses, capacity, backends, queue, verify, adminCommands, health };
    front = await openFront(context, { ...parts, canary, publishing, ownConsole, tracing, activityRecorder });
  }
  // These closers run first in a stop, in reverse order. Sessions are closed after them, when no more events are
  // under way.
  closers.add('the events in hand', async () => {
    // After half of the time, events that cannot be settled (the store is away) go back to the queue.
    const giveUp = setTimeout(
      () => {
        adminCommands.close();
        appendQueue.close();
      },
      (config.SHUTDOWN_TIMEOUT * 1000) / 2,
    );
    try {
      await queue.drain();
    } finally {
      clearTimeout(giveUp);
    }
  });
  closers.add('the console', () => ownConsole.close());
  closers.add('readiness', () => health.drain());
  closers.add('the files that are read again', () => reloading.close());
  reloading.start();

  // The console publishes through this port.
  const bodyLimitBytes = Math.max(OPS_SERVER.bodyLimitBytes, config.EVENT_MAX_BYTES);
  const compresses = config.COMPRESSION_LEVEL > 0;
  const { refusalOf } = exposure;
  ops = await createServer({ ...OPS_SERVER, bodyLimitBytes, addresses, compresses, log, refusalOf });
  serveHealth(ops, health);
  serveMetrics(ops, metrics);
  const deadLetters = openDeadLetters(context, queue.deadLetterStore, store.inbox, store.now);
  serveAdmin(ops, {
    ...guard,
    adminCommands,
    departments: store.departments,
    directory: store.directory,
    deadLetters,
    logLevel,
    personalData: openPersonalData(context, store, adminCommands, queue.deadLetterStore),
    queues: openQueuesReport(context, { mode: exposure.mode, queue, canary, now: store.now }),
    investigate: openExplain(store, queue, deadLetters, () => canary?.health),
  });
  ownConsole.serveOnOpsPort(ops);
  guardOpsPort(ops.server, addresses, capacity, log);
  await ops.listen({ host: config.OPS_HOST, port: config.OPS_PORT });

  return {
    node,
    mode: exposure.mode,
    places: backends.places,
    url: front === undefined ? undefined : urlOf(front),
    opsUrl: urlOf(ops),
    reload: () => reloading.reload(),
    toggleDebug: () => level.toggle(),
    stop: () => closers.close(),
  };
}

/** Never rejects: the operator has to see why the service does not start. */
async function closeInTime(closers: Closers, { SHUTDOWN_TIMEOUT }: Config, log: Logger): Promise<void> {
  try {
    await within(SHUTDOWN_TIMEOUT * 1000, closers.close(), () => {
      throw new Error('it took too long');
    });
  } catch (error) {
    log.error({ reason: reasonOf(error) }, 'not everything was closed');
  }
}

/** Events are taken soon after this, and some may have expired. While Redis is away they wait anyway. */
const CLOCK_MS = 1_000;

const OPS_SERVER = {
  title: 'Carillon, for operators',
  description: 'Health, metrics and administration. Keep this port inside your network.',
  bodyLimitBytes: 65_536,
};

function urlOf(app: FastifyInstance): string {
  const address = app.server.address();
  if (address === null || typeof address === 'string')
    throw new Error('the server does not listen on a port');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}
