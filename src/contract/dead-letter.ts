/** Dead letters as operators see and treat them: what is asked, what is answered, and who does it. */
import { z } from 'zod';
import { timestampSchema } from './moment.ts';

/** Most ids of one request. */
const MAX_DEAD_LETTER_IDS = 1_000;

/** Most events that one request redrives. */
export const MAX_REDRIVEN = 1_000;

const idSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, 'must be the id of a dead letter: 43 of A-Z a-z 0-9 _ -');

const idsSchema = z.array(idSchema).min(1).max(MAX_DEAD_LETTER_IDS);

const filterShape = {
  reason: z.string().min(1).max(64).optional().describe('The code of the reason.'),
  type: z.string().min(1).max(255).optional().describe('The type; * stands for any characters.'),
  source: z.string().min(1).max(256).optional().describe('The source; * stands for any characters.'),
  event: z.string().min(1).max(256).optional().describe("The event's id."),
  after: timestampSchema.optional().describe('Only those that became a dead letter at this moment or later.'),
  before: timestampSchema.optional().describe('Only those that became a dead letter earlier.'),
};

export const deadLetterParamsSchema = z.object({ id: idSchema });

export const deadLetterQuerySchema = z.strictObject({
  ...filterShape,
  limit: z
    .string()
    .regex(/^\d{1,4}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(1).max(500))
    .default(50)
    .describe('Most dead letters of the answer, 1 to 500.'),
});

export const redriveSchema = z
  .strictObject({
    ids: idsSchema.optional().describe('These, or none of them when one is not there.'),
    ...filterShape,
    dryRun: z.boolean().default(false).describe('Changes nothing, and tells what would happen.'),
    limit: z.int().min(1).max(MAX_REDRIVEN).default(MAX_REDRIVEN).describe('Most events of this request.'),
    perSecond: z.int().min(1).max(10_000).default(100).describe('Most events in a second.'),
  })
  .refine(
    ({ ids, reason, type, source, event, after, before }) =>
      ids === undefined || [reason, type, source, event, after, before].every((value) => value === undefined),
    { error: 'give ids or a filter, not both', path: ['ids'] },
  );

export const discardSchema = z.strictObject({ ids: idsSchema });

export const deadLetterSchema = z
  .object({
    id: z.string().describe('The same for each copy of one dead letter.'),
    reason: z
      .string()
      .describe('The code of the refusal; broker_… when RabbitMQ itself gave the event up; unknown.'),
    detail: z.string(),
    path: z.string().optional().describe('Where in the event the fault is.'),
    time: z.string().optional().describe('When it became a dead letter.'),
    type: z.string().describe("The event's type, or the routing key when it cannot be read."),
    source: z.string().optional(),
    event: z.string().optional().describe("The event's id."),
    copies: z.int().positive().describe('How often it is there.'),
    headers: z
      .object({
        routingKey: z.string(),
        exchange: z
          .string()
          .optional()
          .describe("Where it was published, when that is not Carillon's exchange."),
        queue: z.string().optional().describe("Where it was taken from, when that is not Carillon's queue."),
        contentType: z.string().optional(),
        contentEncoding: z.string().optional(),
        dropped: z.string().optional().describe('What of the original headers is not kept.'),
        deaths: z.int().optional().describe('How often RabbitMQ gave it up.'),
      })
      .describe('What came beside the body.'),
    bytes: z.int().nonnegative().describe('Size of the body as it came.'),
    body: z
      .string()
      .optional()
      .describe('The event as JSON text, without what LOG_REDACT names. Left out when it cannot be read.'),
    isCut: z.boolean().describe('The body is longer than what is shown.'),
  })
  .meta({ id: 'DeadLetter', description: 'An event that could not be delivered.' });

const isPartialSchema = z
  .boolean()
  .describe('There are more dead letters than were looked at: ask again, or with a narrower filter.');

export const deadLettersSchema = z.object({
  deadLetters: z.array(deadLetterSchema).describe('Oldest first.'),
  matched: z.int().nonnegative().describe('How many fit, also beyond the limit.'),
  scanned: z.int().nonnegative().describe('How many were looked at.'),
  isPartial: isPartialSchema,
});

const refusedSchema = z
  .array(z.object({ code: z.string(), count: z.int().positive(), ids: z.array(z.string()) }))
  .describe('What would be refused again, by code, with the first 100 ids. It stays a dead letter.');

const outcomeShape = {
  matched: z.int().nonnegative().describe('How many fit.'),
  left: z.int().nonnegative().describe('How many of those that could be redriven this request left undone.'),
  refused: refusedSchema,
  isPartial: isPartialSchema,
};

const dryRunSchema = z.object({
  dryRun: z.literal(true),
  redrivable: z.int().nonnegative().describe('How many events would be sent again.'),
  deliveries: z.int().nonnegative().describe('How many notifications that would be, over all audiences.'),
  already: z
    .int()
    .nonnegative()
    .describe('How many of these their audience has already; they are not repeated.'),
  unasked: z
    .int()
    .nonnegative()
    .describe('Notifications too many to ask whether they are there; they count as not there.'),
  audiences: z
    .array(z.object({ audience: z.string(), events: z.int(), already: z.int() }))
    .describe('The first 100, those with the most events first.'),
  audienceCount: z.int().nonnegative(),
  unrouted: z
    .int()
    .nonnegative()
    .describe('Events whose audiences this process cannot tell, because it has no routes: ask a consumer.'),
  ...outcomeShape,
});

const redrivenSchema = z.object({
  dryRun: z.literal(false),
  redriven: z.int().nonnegative().describe('How many events RabbitMQ has confirmed.'),
  ...outcomeShape,
});

export const redriveResultSchema = z.discriminatedUnion('dryRun', [dryRunSchema, redrivenSchema]);

export const discardedSchema = z.object({ discarded: z.int().nonnegative() });

export type DeadLetter = z.infer<typeof deadLetterSchema>;
export type DeadLetterFilter = Readonly<
  Pick<z.infer<typeof redriveSchema>, 'ids' | 'reason' | 'type' | 'source' | 'event' | 'after' | 'before'>
>;
export type DeadLetterQuery = Readonly<z.infer<typeof deadLetterQuerySchema>>;
export type DeadLetterPage = z.infer<typeof deadLettersSchema>;
export type RedriveOrder = Readonly<z.infer<typeof redriveSchema>>;
export type RedriveResult = z.infer<typeof redriveResultSchema>;
export type DryRun = z.infer<typeof dryRunSchema>;

/** Ids that are not there, of a request that then changed nothing. */
export interface Missing {
  readonly missing: readonly string[];
}

/**
 * What operators do with dead letters. Only one does anything at a time, over all processes.
 *
 * All reject with an error whose `code` is `broker_unavailable`, `dead_letters_busy` or `inbox_unavailable` when it cannot be done now.
 */
export interface DeadLetterDesk {
  list(query: DeadLetterQuery): Promise<DeadLetterPage>;
  show(id: string): Promise<DeadLetter | undefined>;
  redrive(order: RedriveOrder): Promise<RedriveResult | Missing>;
  discard(ids: readonly string[]): Promise<{ readonly discarded: number } | Missing>;
}
