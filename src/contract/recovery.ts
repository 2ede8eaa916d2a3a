/** Recovery: what a client says that it has, and what it missed since: whole, not at all, or, if it asks so, in parts. */
import { z } from 'zod';
import { audienceSchema } from './audience.ts';
import { versionSchema } from './inbox.ts';
import { cursorSchema, epochSchema, notificationSchema, offsetSchema } from './notification.ts';

/** Most audiences that one client may ask about: its user, 100 departments, global and 100 topics. */
export const MAX_CURSORS = 256;

export const cursorsSchema = z
  .partialRecord(audienceSchema, cursorSchema)
  .refine((cursors) => Object.keys(cursors).length <= MAX_CURSORS, `at most ${MAX_CURSORS} audiences at once`)
  .meta({ id: 'Cursors', description: 'For each audience the last notification that the client has.' });

export type Cursors = z.infer<typeof cursorsSchema>;

const unrecoveredReasonSchema = z
  .enum(['lost', 'too_many', 'too_large', 'rate_limited'])
  .describe(
    'Why not. lost: the log does not hold it. too_many: more than SYNC_LIMIT. too_large, rate_limited: it is there; sync with `partial` brings it.',
  );

export type UnrecoveredReason = z.infer<typeof unrecoveredReasonSchema>;

/** Of topics nothing is marked. */
const markedNotificationSchema = notificationSchema
  .extend({
    seen: z.literal(true).optional(),
    read: z.literal(true).optional(),
    archived: z.literal(true).optional(),
  })
  .meta({
    id: 'MissedNotification',
    description:
      "With the user's marks, as far as there are any: what another device has seen is nothing new.",
  });

export type MissedNotification = Readonly<z.infer<typeof markedNotificationSchema>>;

export const missedSchema = z
  .object({
    epoch: epochSchema,
    head: offsetSchema.describe(
      'Live notifications begin behind it. With `more`: how far this answer reaches, and the cursor to go on from.',
    ),
    recovered: z
      .boolean()
      .describe(
        'True: notifications holds all that came after the cursor, or the last ones. False: it cannot be told; read the inbox.',
      ),
    notifications: z
      .array(markedNotificationSchema)
      .describe('In order, without the expired; empty when not recovered.'),
    more: z
      .literal(true)
      .optional()
      .describe('Only for who asked with `partial`: there is more behind `head`.'),
    reason: unrecoveredReasonSchema.optional().describe('When not recovered.'),
  })
  .meta({ id: 'Missed' });

export const missedByAudienceSchema = z
  .object({
    audiences: z.partialRecord(audienceSchema, missedSchema),
    version: versionSchema
      .optional()
      .describe("Of the user's marks, when there are notifications that may bear them."),
  })
  .meta({ id: 'MissedByAudience' });

export type Missed = Readonly<z.infer<typeof missedSchema>>;
export type MissedByAudience = z.infer<typeof missedByAudienceSchema>;
