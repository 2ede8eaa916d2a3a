/** The composition root: builds the parts that a configuration asks for, and closes them in reverse. */
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { Directives } from './directives/directives.ts';
import { serveAdmin } from './http/admin.ts';
import { serveHealth } from './http/health.ts';
import { createServer } from './http/server.ts';
import { Lanes } from './inbox/lanes.ts';
import { PartsHealth, whether } from './ops/health.ts';
import { Metrics } from './ops/metrics.ts';
import { serveMetrics } from './ops/metrics-route.ts';
import { parseRoutes } from './routing/routes-file.ts';
import type { Context } from './service/context.ts';
import { openFront } from './service/front.ts';
import { openQueue } from './service/queue.ts';
import { openStore } from './service/store.ts';
import { openVerifier } from './service/verifier.ts';

export interface Service {
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
  const routes =
    config.ROUTES_FILE === undefined
      ? []
      : parseRoutes(readFileSync(config.ROUTES_FILE, 'utf8'), config.ROUTES_FILE);
  const metrics = new Metrics();
  const context: Context = { config, log, metrics, routes, onFatal };

  const store = openStore(context);
  const lanes = new Lanes(store.inbox, (error) => {
    metrics.appendHeld();
    log.debug({ reason: error instanceof Error ? error.message : String(error) }, 'append held');
  });
  const queue = await openQueue(context, lanes);
  const directives = new Directives({
    log: store.directiveLog,
    checkMs: config.FEED_CHECK_SECONDS * 1000,
    onError: (error) =>
      log.debug({ reason: error instanceof Error ? error.message : String(error) }, 'directives not read'),
  });
  await directives.start();
  const verifier = openVerifier(context, directives);
  const health = new PartsHealth({
    ...store.probes,
    ...queue.probes,
    ...verifier.probes,
    revocations: () => whether(directives.isKnown, 'never read'),
  });

  const front = config.ROLES.includes('gateway')
    ? await openFront(context, { store, queue, verify: verifier.verify, directives, health })
    : undefined;
  const ops = await createServer({ ...OPS_SERVER, log });
  serveHealth(ops, health);
  serveMetrics(ops, metrics);
  serveAdmin(ops, { verify: verifier.verify, directing: directives });
  await ops.listen({ host: config.HOST, port: config.OPS_PORT });

  return {
    url: front === undefined ? undefined : urlOf(front.app),
    opsUrl: urlOf(ops),
    stop: async () => {
      health.drain();
      // What cannot be settled in half of the time (its store is away) goes back to the queue.
      const giveUp = setTimeout(() => lanes.close(), (config.SHUTDOWN_TIMEOUT * 1000) / 2);
      await queue.drain();
      clearTimeout(giveUp);
      await front?.close();
      verifier.close();
      directives.close();
      await queue.close();
      await store.close();
      await ops.close();
    },
  };
}

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
