/** A person's data, as operators erase and export it. */
import { z } from 'zod';
import { cursorSchema } from './notification.ts';
import { knownDeviceSchema, presentSessionSchema } from './presence.ts';

export const erasureSteps = {
  revoking: 'Older tokens are refused, and the connections closed.',
  outcomes: "The user is taken out of events' outcomes, by the log.",
  searching: 'What has no name that could be known is searched for in the store, and removed.',
  removing: 'Log, marks, devices and departments are removed.',
  settling: 'Every process learns of the erasure; what one was about to write is removed after that.',
  commands: "Operators' earlier commands about the user are removed.",
  dead_letters: 'Dead letters are looked through.',
} as const;

export type ErasureStep = keyof typeof erasureSteps;

const isStep = (name: string): name is ErasureStep => name in erasureSteps;

const stepSchema = z.literal(Object.keys(erasureSteps).filter(isStep));

const countSchema = z.int().nonnegative();

export const erasureSchema = z
  .object({
    user: z.string(),
    before: z.iso.datetime().describe("The user's tokens that were issued before are refused."),
    isComplete: z.boolean().describe('False: send the same request again.'),
    step: stepSchema.optional().describe('What has to be done next; left out when nothing has.'),
    retryAfterMs: countSchema.optional().describe('An earlier request would have nothing to do.'),
    deadLetters: z
      .object({
        scanned: countSchema.describe('How many were looked at.'),
        discarded: countSchema,
        rewritten: countSchema.describe("Kept for other audiences, without the user's name."),
      })
      .optional()
      .describe('When they have been looked through.'),
  })
  .meta({ id: 'Erasure' });

export type Erasure = z.infer<typeof erasureSchema>;

const placeSchema = cursorSchema;
const rangesSchema = z.array(z.tuple([z.int(), z.int()])).describe('First and last offset, in turn.');
const eventShape = { source: z.string(), id: z.string() };

/** An export is streamed. This says what comes, in this order. */
export const personalDataSchema = z
  .object({
    user: z.string(),
    exportedAt: z.iso.datetime(),
    deadLetters: z.array(
      z.object({
        id: z.string(),
        reason: z.string(),
        detail: z.string(),
        time: z.string().optional(),
        type: z.string(),
        body: z.string().optional().describe('As it came.'),
        bodyBase64: z.string().optional().describe('Of a body that is no text.'),
      }),
    ),
    areDeadLettersPartial: z.boolean().describe('There are more dead letters than were looked at.'),
    inbox: z.array(z.looseObject(eventShape)).describe('Notifications as they were written, newest first.'),
    marks: z.record(
      z.string(),
      z.object({
        epoch: z.string(),
        since: z.int(),
        seen: rangesSchema,
        read: rangesSchema,
        archived: rangesSchema,
      }),
    ),
    departments: z.array(z.string()).nullable().describe('Null: none were given.'),
    sessions: z.array(presentSessionSchema),
    devices: z.array(knownDeviceSchema),
    fetched: placeSchema.nullable().describe('Where the log ended when the user last listed the inbox.'),
    repeats: z.array(z.object(eventShape)).describe('Events that the user was sent. Some may come twice.'),
    unreached: z.array(placeSchema).describe('Notifications that were signalled as unreached.'),
    outcomes: z.array(
      z.object({
        ...eventShape,
        receivedAt: z.iso.datetime(),
        settledAt: z.iso.datetime(),
        deadLetter: z.string().optional().describe('The code of the reason.'),
      }),
    ),
    commands: z.array(z.looseObject({ kind: z.string() })).describe("Operators' commands about the user."),
  })
  .meta({ id: 'PersonalData' });

/** Whoever erases and exports. All reject with an error whose `code` says that something is away or busy. */
export interface PersonalDataDesk {
  /** Begins an erasure, or goes on with the one that is under way, for a bounded time. */
  erase(user: string): Promise<Erasure>;
  /** The pieces of one JSON document. The first is there once everything that may be away has answered. */
  export(user: string): AsyncIterable<string>;
}
