/**
 * The differences between embedded mode and production: where events wait, where notifications are kept, where
 * signals go, and who may connect. embedded.ts and production.ts return the same parts; no other code asks which mode
 * it is.
 */
import type { Server } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { About } from '../contract/console.ts';
import type { Signals } from '../contract/signal.ts';
import type { Sign } from '../edge/http/console/tokens.ts';
import type { RefusalOfStranger } from '../edge/http/loopback-only.ts';
import type { Probe } from '../observe/health.ts';
import type { Schedule } from '../reach/schedule.ts';
import type { Delivery, Queue } from './queue.ts';
import type { Store } from './store.ts';

export interface Backends {
  readonly store: Store;
  readonly signals: Signals;
  /** Schedules a later check for each append. Undefined when UNREACHED_AFTER is off. */
  readonly schedule: Schedule | undefined;
  /** OpenTelemetry's name of the messaging system. */
  readonly messagingSystem: string;
  readonly exposure: Exposure;
  /** The addresses of RabbitMQ and Redis for the log, without passwords. */
  readonly places: Readonly<Record<string, unknown>>;
  /** Health of the appends, if the store can be away. `isStalled` is called each time. */
  appendProbes(isStalled: () => boolean): Readonly<Record<string, Probe>>;
  /** Starts to take events. MUST be called once. */
  openQueue(delivery: Delivery): Promise<Queue>;
}

/** Who may use the ports, and what they serve besides the API. */
export interface Exposure {
  readonly mode: About['mode'];
  /** Refuses requests on both ports before anything else is checked; undefined when anybody may come. */
  readonly refusalOf: RefusalOfStranger | undefined;
  /** Whether the gateway serves Socket.IO's own client. */
  readonly servesClient: boolean;
  readonly console: {
    readonly port: 'public' | 'ops';
    readonly pagePath: '/' | '/console/';
    readonly needsToken: boolean;
  };
  /** Serves on the API's port what the examples need. `closing` aborts when the service stops. */
  serveDemo(app: FastifyInstance, sign: Sign | undefined, closing: AbortSignal): void;
  /** MUST be called after everything else listens to the server. */
  guard(server: Server): void;
}
