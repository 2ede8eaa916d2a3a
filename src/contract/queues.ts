/** `GET /admin/queues`: how much waits in each queue, who takes it, and how long it takes an event to get through. */
import { z } from 'zod';
import { meanings } from './meanings.ts';

/** What each queue is for. */
const queueKinds = {
  events: 'The one queue of events.',
  partition: 'One of the queues over which events are spread.',
  dead_letters: 'Events that could not be delivered.',
  unreached: 'Checks, due now, of whether a notification has reached its user.',
  unreached_delay: 'Such checks, until they are due: that many are here is as it should be.',
  consumers: 'Never has a message: its consumers are the processes that share the partitions.',
  source: 'A queue of another service, which SOURCES_FILE names.',
} as const;

export type QueueKind = keyof typeof queueKinds;

/** Why something of a queue is not known. */
export const queueUnknowns = {
  not_answered: 'RabbitMQ did not answer in time about this queue; perhaps it has no leader.',
  missing: 'RabbitMQ has no such queue. While the number of partitions changes, that is so.',
  not_allowed: "Carillon's RabbitMQ user may not ask about it.",
  not_consumed: 'No process takes from it all the time.',
  not_told: 'Which other process takes from it is not known here.',
  others_unknown: 'This process takes from it; whether others do too is not known here.',
  no_canary: 'No canary passes through this queue.',
  no_gateway: 'The process that answers is no gateway, and so sends no canaries: ask a gateway.',
  canary_off: 'CANARY_SECONDS is 0: no canaries are sent.',
  canary_not_back: 'No canary of the process that answers has come back through it yet.',
  canary_overtakes: 'Events wait, and canaries pass them (RabbitMQ 4): those wait longer than canaries do.',
} as const;

export type QueueUnknownCode = keyof typeof queueUnknowns;

/** Why queues are not in the answer. */
export const listUnknowns = {
  embedded: 'There is no RabbitMQ: events wait within the process, and only for a moment.',
  sources_unknown:
    'The process that answers has no SOURCES_FILE: queues of other services are not known here. Ask a consumer.',
} as const;

const enumOf = <Name extends string>(named: Readonly<Record<Name, string>>) => {
  const isName = (name: string): name is Name => Object.hasOwn(named, name);
  return z.enum(Object.keys(named).filter(isName));
};

const momentSchema = z.iso.datetime();
const countSchema = z.int().nonnegative();
const millisecondsSchema = z.number().nonnegative();

const lagSchema = z
  .object({
    ms: millisecondsSchema.describe(
      'How long an event waits now, as canaries measure it: the longer of `roundTripMs` and the time since `outSince`.',
    ),
    roundTripMs: millisecondsSchema
      .nullable()
      .describe('Of the last canary that came back: from its publishing to this gateway.'),
    cameBackAt: momentSchema.nullable(),
    outSince: momentSchema
      .nullable()
      .describe('A canary was sent then, and none has come back since. For some milliseconds this is usual.'),
    failedLeg: z
      .enum(['rabbitmq', 'consumer', 'redis', 'subscription'])
      .nullable()
      .describe('On which leg canaries get stuck: known after one and a half times CANARY_SECONDS.'),
  })
  .describe('null: `unknown` says why.');

const queueSchema = z
  .object({
    queue: z.string(),
    kind: enumOf(queueKinds).describe(`What it is for:\n\n${meanings(queueKinds)}`),
    partition: countSchema.optional().describe('Which one, with the kind `partition` only.'),
    ready: countSchema
      .nullable()
      .describe('Messages that wait; without those that a consumer has in hand. null: not known.'),
    consumers: countSchema
      .nullable()
      .describe('Those that RabbitMQ gives messages to; without those on standby. null: not known.'),
    takenBy: z
      .object({
        node: z.string(),
        at: momentSchema.describe('When that was known: now, for the process that answers.'),
      })
      .nullable()
      .describe('The process that is known to have taken from it last. null: `unknown` says why.'),
    lag: lagSchema.nullable(),
    unknown: z
      .array(
        z.object({
          field: z.enum(['ready', 'consumers', 'takenBy', 'lag']),
          code: enumOf(queueUnknowns).describe(`Why:\n\n${meanings(queueUnknowns)}`),
          detail: z.string(),
        }),
      )
      .describe('Names each field that is null, and those that tell only a part.'),
  })
  .meta({ id: 'Queue' });

export type QueueReport = z.infer<typeof queueSchema>;

export const queuesSchema = z
  .object({
    node: z.string().describe('The process that answers.'),
    mode: z.enum(['embedded', 'real']),
    at: momentSchema.describe('When it answered. Other moments are by the same clock.'),
    countedAt: momentSchema
      .nullable()
      .describe('When RabbitMQ was asked for `ready` and `consumers`: up to 2 seconds earlier.'),
    queues: z.array(queueSchema),
    unknown: z
      .array(
        z.object({
          field: z.literal('queues'),
          code: enumOf(listUnknowns).describe(`Why:\n\n${meanings(listUnknowns)}`),
          detail: z.string(),
        }),
      )
      .describe('Why queues are missing here.'),
  })
  .meta({ id: 'Queues' });

export type QueuesReport = z.infer<typeof queuesSchema>;
