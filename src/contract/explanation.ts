/** The answer to "why didn't they get it?": a verdict with a stable code, and the steps that led to it. */
import { z } from 'zod';
import { titleSchema } from './display.ts';

const verdictSchema = z.enum([
  'delivered',
  'kept',
  'read',
  'archived',
  'expired',
  'retracted',
  'collapsed',
  'trimmed',
  'before_joining',
  'topic_only',
  'not_an_audience',
  'dead_letter',
  'waiting',
  'unknown',
]);

export type VerdictCode = z.infer<typeof verdictSchema>;

export const verdicts: Record<VerdictCode, string> = {
  delivered: 'A device of the user has it.',
  kept: 'It is in the inbox; no device of the user has come for it yet.',
  read: 'The user has marked it as seen or read.',
  archived: 'The user has archived it.',
  expired: 'Its expirytime passed before a device came for it.',
  retracted: 'It was taken back.',
  collapsed: 'A newer one with the same collapsekey took its place.',
  trimmed: 'It was in the inbox, which does not keep it any more.',
  before_joining: 'It came to a department before the user was first seen in it.',
  topic_only: 'It was for topics, which are heard only while subscribed to.',
  not_an_audience: 'It was delivered, to audiences that the user does not belong to.',
  dead_letter: 'It could not be delivered and is a dead letter.',
  waiting: 'No consumer has settled it, and events wait in RabbitMQ: it may be among them.',
  unknown: 'Nothing is known of it: it never came, or longer ago than TRAIL_SECONDS.',
};

export const explanationSchema = z
  .object({
    event: z.object({ source: z.string().optional(), id: z.string() }),
    user: z.string(),
    verdict: verdictSchema,
    message: z.string(),
    title: titleSchema
      .optional()
      .describe('What a bell shows of it; absent when no log that was looked into holds it.'),
    steps: z.array(
      z.object({
        at: z.iso.datetime().optional().describe('When; left out where nobody has noted it.'),
        what: z.enum([
          'received',
          'mapped',
          'shown',
          'appended',
          'device',
          'marks',
          'gone',
          'queue',
          'dead_letter',
        ]),
        detail: z.string(),
      }),
    ),
  })
  .meta({ id: 'Explanation' });

export type Explanation = Readonly<z.infer<typeof explanationSchema>>;
export type Step = Explanation['steps'][number];
