/** Recovery: what a client says that it has, and what it missed since, whole or not at all. */
import { z } from 'zod';
import { audienceSchema } from './audience.ts';
import { cursorSchema, epochSchema, notificationSchema, offsetSchema } from './notification.ts';

/** Most audiences that one client may ask about: its user, 100 departments, global and 100 topics. */
const MAX_CURSORS = 256;

export const cursorsSchema = z
  .partialRecord(audienceSchema, cursorSchema)
  .refine((cursors) => Object.keys(cursors).length <= MAX_CURSORS, `at most ${MAX_CURSORS} audiences at once`)
  .meta({ id: 'Cursors', description: 'For each audience the last notification that the client has.' });

export type Cursors = z.infer<typeof cursorsSchema>;

export const missedSchema = z
  .object({
    epoch: epochSchema,
    head: offsetSchema.describe('Live notifications begin behind it.'),
    recovered: z
      .boolean()
      .describe(
        'True: notifications holds all that came after the cursor, or the last ones. False: it cannot be told; read the inbox.',
      ),
    notifications: z
      .array(notificationSchema)
      .describe('In order, without the expired; empty when not recovered.'),
  })
  .meta({ id: 'Missed' });

export const missedByAudienceSchema = z
  .object({ audiences: z.partialRecord(audienceSchema, missedSchema) })
  .meta({ id: 'MissedByAudience' });

export type Missed = Readonly<z.infer<typeof missedSchema>>;
export type MissedByAudience = z.infer<typeof missedByAudienceSchema>;
