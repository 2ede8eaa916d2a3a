/** The order for one measurement, and its result. The measuring process gets the one and returns the other. */
import { z } from 'zod';

const contestantSchema = z.enum(['carillon', 'stock', 'stock-deflate', 'raw-ws']);

export type ContestantName = z.infer<typeof contestantSchema>;

const count = z.int().positive();

/** Sends events from RabbitMQ to one user each, as fast as they arrive. */
export const toUsersSchema = z.object({
  kind: z.literal('to-users'),
  sockets: count,
  events: count,
  warmUpEvents: count,
  maxInFlight: count,
});

const planSchema = z.discriminatedUnion('kind', [
  /** Broadcasts to every socket. Each broadcast waits until the one before has arrived everywhere. */
  z.object({
    kind: z.literal('fan-out'),
    sockets: count,
    dataBytes: count,
    perTick: count,
    ticks: count,
    warmUpTicks: count,
  }),
  toUsersSchema,
  /** Publishes events for everybody to RabbitMQ, all at once. */
  z.object({ kind: z.literal('burst'), sockets: count, events: count, warmUpEvents: count }),
  /** Leaves connections at rest. */
  z.object({ kind: z.literal('rest'), sockets: count, warmUpSockets: count, quietMs: count }),
  /** Opens connections as fast as possible. */
  z.object({
    kind: z.literal('storm'),
    sockets: count,
    warmUpSockets: count,
    maxOpening: count,
  }),
  /**
   * The same clients, who are in departments, connect, leave and come back. The last wave is measured. `unread`: how
   * many notifications are unread in each of a user's five logs, published while the user was away.
   */
  z.object({
    kind: z.literal('sessions'),
    sockets: count,
    waves: count,
    maxOpening: count,
    unread: z.int().nonnegative(),
  }),
  /** Restarts two servers in turn, as a deploy does, while an event goes to everybody every `everyMs`. */
  z.object({
    kind: z.literal('restart'),
    sockets: count,
    maxOpening: count,
    everyMs: count,
  }),
  /** Sends events to one user each, at a fixed rate. */
  z.object({
    kind: z.literal('latency'),
    via: z.enum(['redis', 'rabbitmq']),
    sockets: count,
    perSecond: count,
    events: count,
    warmUpEvents: count,
  }),
]);

export type Plan = z.infer<typeof planSchema>;
export type PlanOf<Kind extends Plan['kind']> = Extract<Plan, { kind: Kind }>;

/** The contestant to measure, with its servers and settings. */
export const setupSchema = z.object({
  contestant: contestantSchema,
  /** For ours: another version than this one, or other settings. */
  version: z.object({ program: z.string(), environment: z.record(z.string(), z.string()) }).optional(),
  redisUrl: z.string(),
  amqpUrl: z.string(),
  /** The core that the server has for itself. Without it, the system chooses. */
  serverCore: z.string().optional(),
  /** Gets the server's output. */
  logFile: z.string(),
});

export type Setup = z.infer<typeof setupSchema>;

export const jobSchema = setupSchema.extend({ plan: planSchema });

export type Job = z.infer<typeof jobSchema>;

const figure = z.number().nonnegative().optional();

export const figuresSchema = z.object({
  /** CPU time of the server process, user and system, per delivery, event or connect. */
  cpuMicros: figure,
  perSecond: figure,
  p50Ms: figure,
  p99Ms: figure,
  /** The time until all clients are connected again. */
  backMs: figure,
  /** Bytes in the TCP streams to the clients, per delivery. */
  wireBytes: figure,
  /** Resident memory of the server, per connection. */
  connectionBytes: figure,
  /** The part of it that is JavaScript's heap, after a collection. */
  heapBytes: figure,
  /** Whether the server agreed to permessage-deflate. */
  deflate: z.boolean(),
});

export type Figures = z.infer<typeof figuresSchema>;
export type FigureName = Exclude<keyof Figures, 'deflate'>;
