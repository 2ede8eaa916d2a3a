/** `subscribe` and `unsubscribe`: of one topic, or of many in one message, each answered by itself. */
import { z } from 'zod';
import { audienceSchema, topicSchema } from './audience.ts';
import { MAX_TOPICS_AT_ONCE } from './client-limits.ts';
import { cursorSchema, epochSchema, offsetSchema } from './notification.ts';
import { missedSchema } from './recovery.ts';

const one = z
  .object({
    topic: topicSchema,
    cursor: cursorSchema.optional(),
    last: z
      .int()
      .min(1)
      .optional()
      .describe('So many of the last ones, at most SYNC_LIMIT; not together with cursor.'),
  })
  .refine(({ cursor, last }) => cursor === undefined || last === undefined, {
    path: ['last'],
    message: 'not together with cursor',
  })
  .meta({ id: 'TopicSubscription' });

const entered = z
  .object({
    audience: audienceSchema,
    epoch: epochSchema,
    head: offsetSchema,
    missed: missedSchema.optional().describe('When the request had a cursor, or `last`.'),
  })
  .meta({ id: 'TopicSubscribed' });

const oneLeft = z.object({ topic: topicSchema });

const left = z.object({ audience: audienceSchema }).meta({ id: 'TopicLeft' });

function listOf<Entry extends z.ZodType>(entry: Entry) {
  return z.object({ topics: z.array(entry).min(1).max(MAX_TOPICS_AT_ONCE) });
}

/** `error`: what each may be answered in place of its answer. */
export function topicRequests<Refusal extends z.ZodType>(error: Refusal) {
  const answersOf = <Answer extends z.ZodType>(answer: Answer) =>
    z.object({
      topics: z
        .array(z.union([answer, error]))
        .describe(
          'In the order in which they were asked for; one that is refused is no matter to the others.',
        ),
    });
  return {
    subscribe: {
      request: z.union([one, listOf(one)]),
      answer: z.union([entered, answersOf(entered)]),
    },
    unsubscribe: {
      request: z.union([oneLeft, listOf(topicSchema)]),
      answer: z.union([left, answersOf(left)]),
    },
  };
}

/** By which the service reads them: a list as a list of anything, so that one bad topic does not fail the others. */
export const topicForms = { subscribe: one, unsubscribe: oneLeft, many: listOf(z.unknown()) };

export type Subscription = z.infer<typeof one>;
