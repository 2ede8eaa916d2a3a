/** The inbox as a user sees it: lists, counts and marks, the same over the socket and over HTTP. */
import { z } from 'zod';
import { type Audience, audienceSchema } from './audience.ts';
import { notificationSchema, offsetSchema } from './notification.ts';

/** Counts are exact up to this and stay there: nobody reads "1,387". */
export const MAX_COUNT = 100;

export const MAX_PAGE = 100;
export const MAX_IDS = 500;

const inboxFilterSchema = z
  .enum(['all', 'unseen', 'unread', 'archived'])
  .describe('all: what is not archived; unseen and unread: of these; archived: the rest.');

export type InboxFilter = z.infer<typeof inboxFilterSchema>;

export const inboxQuerySchema = z.object({
  filter: inboxFilterSchema.default('all'),
  before: z.string().max(16_384).optional().describe('The `next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(50),
});

export type InboxQuery = z.infer<typeof inboxQuerySchema>;

const countSchema = z
  .int()
  .min(0)
  .max(MAX_COUNT)
  .describe(`Exact up to ${MAX_COUNT}, and no more than that.`);

const countsSchema = z.object({ unseen: countSchema, unread: countSchema }).meta({ id: 'Counts' });

export type Counts = Readonly<z.infer<typeof countsSchema>>;

export const versionSchema = z
  .int()
  .nonnegative()
  .describe("Counts the changes of this user's marks, in their order.");

/** Of what counts are true: messages may cross, and who knows this can tell what is on top of them. */
export const countedSchema = z.object({
  ...countsSchema.shape,
  version: versionSchema,
  heads: z
    .record(z.string(), offsetSchema)
    .optional()
    .describe('For each audience with a log up to which offset it was counted; an audience left out: 0.'),
  until: z
    .int()
    .nonnegative()
    .optional()
    .describe('When something that was counted ends by itself, in milliseconds since 1970.'),
  spare: z
    .int()
    .min(-1)
    .optional()
    .describe(
      'With more than so many newer ones in one audience something that was counted falls out of its log.',
    ),
});

/** Counts, and of what they are true. */
export type Counted = Readonly<z.infer<typeof countedSchema>>;

/** What a user has done with one notification. */
export interface Flags {
  readonly seen: boolean;
  readonly read: boolean;
  readonly archived: boolean;
}

const rangesSchema = z.array(z.tuple([offsetSchema, offsetSchema])).optional();

export const aheadSchema = z
  .partialRecord(audienceSchema, z.object({ seen: rangesSchema, read: rangesSchema, archived: rangesSchema }))
  .describe(
    'What other devices have marked behind the heads, as first and last offsets: this node is about to pass it on.',
  );

export type Ahead = Readonly<z.infer<typeof aheadSchema>>;

/** A user's marks as they were at one version. */
export interface MarksView {
  readonly version: number;
  flagsOf(audience: Audience, offset: number): Flags;
}

const keptSchema = z.object({ length: z.int().positive(), ms: z.int().positive() });

export const keptByKindSchema = z
  .object({ user: keptSchema, department: keptSchema, global: keptSchema })
  .describe('How many notifications a log of each kind keeps, and for how long.');

const inboxItemSchema = notificationSchema
  .extend({ seen: z.boolean(), read: z.boolean(), archived: z.boolean() })
  .meta({ id: 'InboxItem' });

export type InboxItem = Readonly<z.infer<typeof inboxItemSchema>>;

export const inboxPageSchema = z
  .object({
    notifications: z
      .array(inboxItemSchema)
      .describe(
        'Newest first; an event that came by two audiences once. Fewer than asked for, or none, where the answer would be too large or too much was looked through: then there is a next.',
      ),
    next: z.string().optional().describe('Ask with it as `before` for what is older; absent at the end.'),
    ...countedSchema.partial({ version: true }).shape,
  })
  .meta({ id: 'InboxPage' });

export type InboxPage = Readonly<z.infer<typeof inboxPageSchema>>;

const markSchema = z.enum(['seen', 'read', 'unread', 'archived']);

const upToSchema = z
  .partialRecord(audienceSchema, offsetSchema)
  .describe('For each audience the last offset that is meant.');

const idSchema = z
  .string()
  .min(1)
  .max(256)
  .refine((id) => id.isWellFormed(), 'must be well-formed Unicode');

export const markRequestSchema = z
  .object({
    as: markSchema,
    ids: z
      .array(idSchema)
      .min(1)
      .max(MAX_IDS)
      .optional()
      .describe('Of events, whatever their source; with `events` it is passed over.'),
    events: z
      .array(z.object({ id: idSchema, source: idSchema }))
      .min(1)
      .max(MAX_IDS)
      .optional()
      .describe('Events of their sources: an id is unique only with its source.'),
    upTo: upToSchema.optional(),
    all: z.literal(true).optional(),
  })
  .refine(
    ({ ids, events, upTo, all }) =>
      [events ?? ids, upTo, all].filter((which) => which !== undefined).length === 1,
    'say which: exactly one of ids or events, upTo and all',
  )
  .meta({
    id: 'MarkRequest',
    description: 'read means seen too; archived means read too; unread takes read back.',
  });

export type MarkRequest = Readonly<z.infer<typeof markRequestSchema>>;

export const markAnswerSchema = countedSchema.meta({ id: 'MarkAnswer' });

export type MarkAnswer = Readonly<z.infer<typeof markAnswerSchema>>;

export const marksSchema = z
  .object({
    as: markSchema,
    ids: z
      .array(z.string())
      .optional()
      .describe('With `events` those of the events, for who does not know them.'),
    events: z.array(z.object({ id: z.string(), source: z.string() })).optional(),
    upTo: upToSchema.optional().describe('With all: where the logs ended when it was asked.'),
    all: z.literal(true).optional(),
    ...countedSchema.shape,
  })
  .meta({ id: 'Marks', description: "This user's marks changed on another device." });

export type Marks = Readonly<z.infer<typeof marksSchema>>;

/** How much a log of each kind keeps. */
export type KeptByKind = Readonly<z.infer<typeof keptByKindSchema>>;
