/** What the console's page asks of the service, and what it gets. All of it is JSON below `/console/`. */
import { z } from 'zod';
import { audienceIdSchema, audienceSchema } from './audience.ts';
import { titleSchema } from './display.ts';
import { epochSchema, offsetSchema } from './notification.ts';
import { claimsSchema } from './token.ts';

/** `GET /console/about`: the one answer that needs no token, so that the page knows whether to ask for one. */
export const aboutSchema = z.object({
  mode: z.enum(['embedded', 'real']).describe('In embedded mode nothing needs a token.'),
  version: z.string(),
  node: z.string().describe('The process that answers.'),
  gatewayPort: z
    .int()
    .nullable()
    .describe('Where Socket.IO and /v1 are, on the same hostname; null: this process is only a consumer.'),
  canSign: z.boolean().describe('Whether POST /console/tokens makes tokens.'),
  roles: z.array(z.string()),
  login: z
    .object({
      user: z.string(),
      scopes: z.array(z.string()).describe('Those of an operator that it has: the page offers nothing else.'),
    })
    .optional()
    .describe('Whose token came with the request, if a valid one did: a proxy may add it.'),
  refusal: z
    .object({ code: z.string(), detail: z.string() })
    .optional()
    .describe('Why the token that came with the request does not open the console.'),
});

export type About = Readonly<z.infer<typeof aboutSchema>>;

/** `POST /console/tokens`: what a device's token is to say. It gets no scopes. */
export const tokenRequestSchema = z.object({
  user: audienceIdSchema,
  ...claimsSchema.pick({ departments: true, topics: true, publish: true }).shape,
});

export const tokenAnswerSchema = z.object({ token: z.string(), expiresAt: z.iso.datetime() });

/** Audiences that are named where there may be thousands. */
export const AUDIENCES_NAMED = 20;

/** `POST /console/check`: who would get the event that was sent along. Nobody did. */
export const checkAnswerSchema = z.object({
  audiences: z.array(audienceSchema).max(AUDIENCES_NAMED).describe('The first of them.'),
  count: z.int().positive().describe('All of them.'),
  route: z
    .string()
    .optional()
    .describe('The type of the route that led to the first; none: the event named it.'),
  title: titleSchema
    .optional()
    .describe('What a bell would show, in the languages of the request; absent where no routes are known.'),
});

/** `GET /console/dead-letters`: all that lie there, also those from before anybody looked. */
export const deadLettersCountSchema = z.object({
  count: z.int().nonnegative().nullable().describe('null: RabbitMQ does not say.'),
});

const countSchema = z.int().nonnegative();
const millisecondsSchema = z.number().nonnegative();

export const stageNames = ['received', 'mapped', 'appended', 'delivered', 'dead'] as const;

/** One step of one event's way through one process. */
export const stageSchema = z.object({
  stage: z.enum(stageNames),
  atMs: millisecondsSchema.describe("Since 1970, by that process's clock."),
  node: z.string(),
  event: z
    .object({ source: z.string(), id: z.string(), type: z.string() })
    .describe('Empty where a malformed event does not say.'),
  audience: z.string().optional().describe('appended, delivered.'),
  audiences: z.array(z.string()).max(AUDIENCES_NAMED).optional().describe('mapped: the first of them.'),
  count: countSchema.optional().describe('mapped: how many audiences.'),
  route: z.string().optional().describe('mapped: as in a check.'),
  epoch: epochSchema.optional(),
  offset: offsetSchema.optional(),
  nodes: countSchema.optional().describe('appended: gateways that host the audience.'),
  sockets: countSchema.optional().describe('delivered: how many it was written to.'),
  latencyMs: millisecondsSchema.optional().describe('delivered: since it was published, when it came live.'),
  reason: z.string().optional().describe('dead: the code.'),
  detail: z
    .string()
    .optional()
    .describe('dead: what is wrong; appended: `repeat` when the log had it already.'),
});

export type Stage = Readonly<z.infer<typeof stageSchema>>;
export type StageName = Stage['stage'];

export const MAX_SAMPLES = 50;

export const stageCountsSchema = z.object({
  received: countSchema.describe('Events that a consumer took.'),
  mapped: countSchema.describe('Events whose audiences are known.'),
  appended: countSchema.describe('Notifications in logs: one for each audience.'),
  delivered: countSchema.describe('Sockets that notifications were written to, live.'),
  recovered: countSchema.describe('Notifications that came late, to clients that had missed them.'),
  dead: countSchema.describe('Events that became dead letters.'),
});

/** What happened within a tick. */
export type StageCounts = Readonly<z.infer<typeof stageCountsSchema>>;

/**
 * `data` of an `event: tick` of `GET /console/live`: at most one every {@link TICK_MS}, none when nothing happened. All
 * processes that have the console are in it.
 */
export const tickSchema = z.object({
  atMs: millisecondsSchema.describe('Since 1970.'),
  counts: stageCountsSchema,
  connections: countSchema.describe('Sockets that are connected now.'),
  latencyMs: z
    .object({ p50: millisecondsSchema, p99: millisecondsSchema })
    .nullable()
    .describe('From published to written to sockets, of this tick; null: nothing was.'),
  samples: z.array(stageSchema).max(MAX_SAMPLES).describe('Oldest first.'),
  dropped: countSchema.describe('Stages that are counted and not among the samples.'),
});

export type Tick = Readonly<z.infer<typeof tickSchema>>;

export const TICK_MS = 250;
