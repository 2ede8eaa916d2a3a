/** The composition root: builds the parts that a configuration asks for, and closes them in reverse. */
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { Publisher } from '../adapters/rabbitmq/publisher.ts';
import { DELIVER_QUEUE } from '../adapters/rabbitmq/topology.ts';
import type { Config } from '../config/config.ts';
import { ClientAddresses } from '../edge/connections/client-addresses.ts';
import { serveAdmin } from '../edge/http/admin.ts';
import { serveHealth } from '../edge/http/health.ts';
import { loopbackOnly } from '../edge/http/loopback-only.ts';
import { createServer } from '../edge/http/server.ts';
import { FileDescriptors } from '../observe/file-descriptors.ts';
import { PartsHealth, whether } from '../observe/health.ts';
import { Metrics } from '../observe/metrics.ts';
import { serveMetrics } from '../observe/metrics-route.ts';
import { openTracing } from '../observe/tracing.ts';
import { AdminCommands } from '../operate/access/admin-commands.ts';
import { Listeners } from '../operate/signals/listeners.ts';
import { AppendQueue } from '../pipeline/inbox/append-queue.ts';
import { readRoutes } from '../pipeline/routing/routes-file.ts';
import { reasonOf } from '../resilience/reason.ts';
import { faultOf, isUnavailable } from '../resilience/unavailable.ts';
import { createActivityRecorder } from './activity-recorder.ts';
import { openCanary } from './canary.ts';
import { guardOpsPort, openCapacity } from './capacity.ts';
import { openConsole } from './console.ts';
import { type Context, newNodeId, ownVersion } from './context.ts';
import { openDeadLetters } from './dead-letters.ts';
import { openExplain } from './explain.ts';
import { type Front, openFront } from './front.ts';
import { openPublishing } from './publishing.ts';
import { openQueue } from './queue.ts';
import { openSignals } from './signals.ts';
import { openStore } from './store.ts';
import { openVerifier } from './verifier.ts';

export interface Service {
  /** This process's name among all that share a Redis. */
  readonly node: string;
  /** Where the API and Socket.IO listen; undefined for a process that is only a consumer. */
  readonly url: string | undefined;
  readonly opsUrl: string;
  /** Not ready at once; settles what is in hand, sends sockets away, lets go of everything. */
  stop(): Promise<void>;
}

/** @throws {RoutesError} when ROUTES_FILE is malformed, and the system's error when it or a port cannot be had */
export async function startService(
  config: Config,
  log: Logger,
  onFatal: (error: Error) => void,
): Promise<Service> {
  const routes = readRoutes(config.ROUTES_FILE);
  const node = newNodeId();
  const metrics = new Metrics({ node, version: ownVersion(), roles: config.ROLES.join(',') });
  const system = config.backends === undefined ? 'carillon' : 'rabbitmq';
  const tracing = openTracing(system, DELIVER_QUEUE);
  const publisher = config.backends === undefined ? undefined : new Publisher(log, onFatal);
  const listeners = new Listeners();
  const signals = openSignals({ node, config, log, metrics, listeners }, publisher);
  const told = { log, metrics, tracing, signals, listeners, onFatal };
  const context: Context = { node, config, routes, ...told };

  const store = openStore(context);
  const appendQueue = new AppendQueue(store.inbox, (error) => {
    metrics.appendHeld();
    log.debug({ reason: reasonOf(error) }, 'append held');
  });
  const stages = store.activity === undefined ? undefined : createActivityRecorder(store.activity, store.now);
  await store.knowsTime(CLOCK_MS);
  const queue = await openQueue(context, appendQueue, store, publisher, stages);
  const adminCommands = new AdminCommands({
    log: store.adminCommandLog,
    checkMs: config.FEED_CHECK_SECONDS * 1000,
    onError: (error) => {
      if (isUnavailable(error)) log.debug({ reason: reasonOf(error) }, 'admin commands not read');
      else log.error(faultOf(error), 'admin commands not read');
    },
  });
  await adminCommands.start();
  const hasCanary = config.ROLES.includes('gateway') && config.CANARY_SECONDS > 0;
  const canary = hasCanary ? openCanary(context, { inbox: store.inbox, queue, now: store.now }) : undefined;
  const verifier = openVerifier(context, adminCommands, store.now);
  const isConsumer = config.backends !== undefined && config.ROLES.includes('consumer');
  const descriptors = new FileDescriptors(log);
  descriptors.start();
  const health = new PartsHealth({
    ...store.probes,
    ...queue.probes,
    ...(isConsumer ? { appends: () => whether(!appendQueue.isStalled, 'no progress') } : {}),
    ...verifier.probes,
    ...(canary === undefined ? {} : { canary: () => canary.health }),
    file_descriptors: () => descriptors.health,
    revocations: () => whether(adminCommands.isKnown, 'never read'),
  });

  metrics.watch({ health: () => health.ready() });
  const { verify } = verifier;
  const publishing = openPublishing(context, queue, verify, store.now);
  const addresses = new ClientAddresses(config.TRUST_PROXY);
  const capacity = openCapacity(config, log);
  let front: Front | undefined;
  const gatewayPort = () => (front === undefined ? null : Number(new URL(urlOf(front.app)).port));
  const ownConsole = openConsole(context, {
    activity: store.activity,
    publishing,
    verify,
    gatewayPort,
    dead: () => queue.dead(),
  });
  if (config.ROLES.includes('gateway')) {
    const parts = {
      addresses,
      capacity,
      store,
      queue,
      verify,
      adminCommands,
      health,
      canary,
      publishing,
      ownConsole,
      stages,
    };
    front = await openFront(context, parts);
  }
  // What the console publishes goes through it.
  const bodyLimitBytes = Math.max(OPS_SERVER.bodyLimitBytes, config.EVENT_MAX_BYTES);
  const refusalOf = config.backends === undefined ? loopbackOnly(config.ALLOWED_ORIGINS) : undefined;
  const compresses = config.COMPRESSION_LEVEL > 0;
  const ops = await createServer({ ...OPS_SERVER, bodyLimitBytes, addresses, compresses, log, refusalOf });
  serveHealth(ops, health);
  serveMetrics(ops, metrics);
  const deadLetters = openDeadLetters(context, queue.deadLetterStore, store.inbox, store.now);
  serveAdmin(ops, {
    verify,
    adminCommands: adminCommands,
    departments: store.departments,
    directory: store.directory,
    deadLetters,
    investigate: openExplain(store, queue, deadLetters, () => canary?.health.ok === false),
  });
  ownConsole.serveOnOpsPort(ops);
  guardOpsPort(ops.server, addresses, capacity, log);
  await ops.listen({ host: config.HOST, port: config.OPS_PORT });

  return {
    node,
    url: front === undefined ? undefined : urlOf(front.app),
    opsUrl: urlOf(ops),
    stop: async () => {
      health.drain();
      ownConsole.close();
      // What cannot be settled in half of the time (its store is away) goes back to the queue.
      const giveUp = setTimeout(() => appendQueue.close(), (config.SHUTDOWN_TIMEOUT * 1000) / 2);
      await queue.drain();
      clearTimeout(giveUp);
      await front?.close();
      verifier.close();
      adminCommands.close();
      descriptors.stop();
      await queue.close();
      await store.close();
      await ops.close();
    },
  };
}

/** Events are taken soon after, and some may have expired; while Redis is away they wait all the same. */
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
