/** One measurement: how it is ordered from the process that makes it, and what that found. */
import { z } from 'zod';

const contestantSchema = z.enum(['carillon', 'stock', 'stock-deflate', 'raw-ws']);

export type ContestantName = z.infer<typeof contestantSchema>;

const count = z.int().positive();

/** Events from RabbitMQ to one user each, as fast as they arrive. */
export const toUsersSchema = z.object({
  kind: z.literal('to-users'),
  sockets: count,
  events: count,
  warmUpEvents: count,
  maxInFlight: count,
});

const planSchema = z.discriminatedUnion('kind', [
  /** Broadcasts to every socket, each after the one before has arrived everywhere. */
  z.object({
    kind: z.literal('fan-out'),
    sockets: count,
    dataBytes: count,
    perTick: count,
    ticks: count,
    warmUpTicks: count,
  }),
  toUsersSchema,
  /** Events for everybody, published to RabbitMQ all at once. */
  z.object({ kind: z.literal('burst'), sockets: count, events: count, warmUpEvents: count }),
  /** Connections that do nothing. */
  z.object({ kind: z.literal('rest'), sockets: count, warmUpSockets: count, quietMs: count }),
  /** Connects as fast as they go. */
  z.object({
    kind: z.literal('storm'),
    sockets: count,
    warmUpSockets: count,
    maxOpening: count,
  }),
  /**
   * The same clients connect, leave and come again, with departments; the last wave is measured. `unread`: in each of a
   * user's five logs, from when they were away.
   */
  z.object({
    kind: z.literal('sessions'),
    sockets: count,
    waves: count,
    maxOpening: count,
    unread: z.int().nonnegative(),
  }),
  /** Two servers are restarted in turn, as a deploy does, while an event goes to everybody every so often. */
  z.object({
    kind: z.literal('restart'),
    sockets: count,
    maxOpening: count,
    everyMs: count,
  }),
  /** Events to one user each at a fixed rate. */
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

/** Who is measured, and what it is given. */
export const setupSchema = z.object({
  contestant: contestantSchema,
  /** Another version of ours than what is here, or other settings. */
  version: z.object({ program: z.string(), environment: z.record(z.string(), z.string()) }).optional(),
  redisUrl: z.string(),
  amqpUrl: z.string(),
  /** The core that the server is to have for itself; absent: wherever the system puts it. */
  serverCore: z.string().optional(),
  /** What the server writes goes here. */
  logFile: z.string(),
});

export type Setup = z.infer<typeof setupSchema>;

export const jobSchema = setupSchema.extend({ plan: planSchema });

export type Job = z.infer<typeof jobSchema>;

const figure = z.number().nonnegative().optional();

export const figuresSchema = z.object({
  /** Of the server process, user and system, per delivery, event or connect. */
  cpuMicros: figure,
  perSecond: figure,
  p50Ms: figure,
  p99Ms: figure,
  /** Until all clients are connected again. */
  backMs: figure,
  /** Bytes of the TCP streams to the clients, per delivery. */
  wireBytes: figure,
  /** Resident memory of the server per connection. */
  connectionBytes: figure,
  /** Whether the server agreed to permessage-deflate. */
  deflate: z.boolean(),
});

export type Figures = z.infer<typeof figuresSchema>;
export type FigureName = Exclude<keyof Figures, 'deflate'>;
