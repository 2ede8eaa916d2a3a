/**
 * What differs between embedded mode and production: where events wait, where notifications are kept, who is told
 * signals, and who may come. embedded.ts and production.ts give the same parts; nothing else asks which of them it is.
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
  /** Has each append looked at again later. Undefined when nobody wants to know whom nothing has reached. */
  readonly schedule: Schedule | undefined;
  /** As OpenTelemetry names what brings events. */
  readonly messagingSystem: string;
  readonly exposure: Exposure;
  /** Where events and notifications are, for the log: without passwords. */
  readonly places: Readonly<Record<string, unknown>>;
  /** Health of the appends, where a store can be away. `isStalled` is asked each time. */
  appendProbes(isStalled: () => boolean): Readonly<Record<string, Probe>>;
  /** Begins to take events. MUST be called once. */
  openQueue(delivery: Delivery): Promise<Queue>;
}

/** Who may come to the ports, and what is served there beside the API. */
export interface Exposure {
  readonly mode: About['mode'];
  /** Whom both ports refuse before anything else is asked; undefined when strangers may come. */
  readonly refusalOf: RefusalOfStranger | undefined;
  /** Whether the gateway serves Socket.IO's own client. */
  readonly servesClient: boolean;
  readonly console: {
    readonly port: 'public' | 'ops';
    readonly pagePath: '/' | '/console/';
    readonly needsToken: boolean;
  };
  /** Serves what examples need on the port of the API. `closing` aborts when the service stops. */
  serveDemo(app: FastifyInstance, sign: Sign | undefined, closing: AbortSignal): void;
  /** MUST be called when all that listens to the server does. */
  guard(server: Server): void;
}
