/** `/admin/dead-letters`: what operators do about events that could not be delivered. */
import type { FastifyBaseLogger, FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import {
  type DeadLetterDesk,
  deadLetterParamsSchema,
  deadLetterQuerySchema,
  deadLetterSchema,
  deadLettersSchema,
  discardedSchema,
  discardSchema,
  redriveResultSchema,
  redriveSchema,
} from '../../contract/dead-letter.ts';
import { type Problem, problem } from '../../contract/problem.ts';
import { SCOPE_CODES } from './bearer.ts';
import { problemResponses, sendProblem } from './problems.ts';

export interface AdminDeadLettersOptions {
  readonly deadLetters: DeadLetterDesk;
}

const common = { tags: ['admin'] };

/** Whoever may send them again may look at them first. */
const READERS = ['admin:read', 'admin:dead-letters'] as const;
const WRITERS = ['admin:dead-letters'] as const;

export function serveAdminDeadLetters(app: FastifyInstance, { deadLetters }: AdminDeadLettersOptions): void {
  const typed = app.withTypeProvider<ZodTypeProvider>();

  typed.get(
    '/admin/dead-letters',
    {
      config: { adminCall: { action: 'dead-letters.list', scopes: READERS } },
      schema: {
        ...common,
        summary: 'Events that could not be delivered, with the reason, oldest first.',
        description:
          'Bodies are shown without what LOG_REDACT names, and at most 4 KB of each. Nothing is changed.',
        querystring: deadLetterQuerySchema,
        response: {
          200: deadLettersSchema,
          ...problemResponses('bad_request', ...SCOPE_CODES, ...UNAVAILABLE),
        },
      },
    },
    (request, reply) =>
      answered(reply, request.log, async () => reply.send(await deadLetters.list(request.query))),
  );

  typed.get(
    '/admin/dead-letters/:id',
    {
      config: { adminCall: { action: 'dead-letters.show', scopes: READERS } },
      schema: {
        ...common,
        summary: 'One event that could not be delivered.',
        description: 'As in the list, with up to 256 KB of the body.',
        params: deadLetterParamsSchema,
        response: {
          200: deadLetterSchema,
          ...problemResponses('bad_request', ...SCOPE_CODES, 'not_found', ...UNAVAILABLE),
        },
      },
    },
    (request, reply) =>
      answered(reply, request.log, async () => {
        const found = await deadLetters.show(request.params.id);
        return found === undefined ? sendProblem(reply, notFound([request.params.id])) : reply.send(found);
      }),
  );

  typed.post(
    '/admin/dead-letters/redrive',
    {
      config: {
        adminCall: {
          action: 'dead-letters.redrive',
          scopes: WRITERS,
          recorded: ['ids', 'reason', 'type', 'source', 'event', 'after', 'before', 'dryRun', 'limit'],
        },
      },
      schema: {
        ...common,
        summary: 'Sends dead letters on their way again, or tells what would become of them.',
        description:
          'A dead letter goes away once RabbitMQ has confirmed its event. What would be refused again stays. Interrupted or sent again: nothing is lost, and repeats are recognised. One request takes at most 10 seconds; left says whether to send another.',
        body: redriveSchema,
        response: {
          200: redriveResultSchema,
          ...problemResponses('bad_request', ...SCOPE_CODES, 'not_found', ...UNAVAILABLE),
        },
      },
    },
    (request, reply) =>
      answered(reply, request.log, async () => {
        const result = await deadLetters.redrive(request.body);
        if ('missing' in result) return sendProblem(reply, notFound(result.missing));
        if (!result.dryRun) {
          const { redriven, left } = result;
          request.log.info({ redriven, left }, 'dead letters redriven by an operator');
        }
        return reply.send(result);
      }),
  );

  typed.post(
    '/admin/dead-letters/discard',
    {
      config: { adminCall: { action: 'dead-letters.discard', scopes: WRITERS, recorded: ['ids'] } },
      schema: {
        ...common,
        summary: 'Throws dead letters away for good.',
        description: 'All of the ids, or none when one is not there.',
        body: discardSchema,
        response: {
          200: discardedSchema,
          ...problemResponses('bad_request', ...SCOPE_CODES, 'not_found', ...UNAVAILABLE),
        },
      },
    },
    (request, reply) =>
      answered(reply, request.log, async () => {
        const { ids } = request.body;
        const result = await deadLetters.discard(ids);
        if ('missing' in result) return sendProblem(reply, notFound(result.missing));
        request.log.info({ ids }, 'dead letters discarded by an operator');
        return reply.send(result);
      }),
  );
}

function notFound(ids: readonly string[]): Problem {
  const shown = ids.slice(0, 10).join(', ');
  const more = ids.length > 10 ? ` and ${ids.length - 10} more` : '';
  return problem('not_found', 404, `no such dead letter: ${shown}${more}; nothing was changed`);
}

/** Answers with a problem when something cannot be done now. */
async function answered<T>(reply: FastifyReply, log: FastifyBaseLogger, answer: () => Promise<T>) {
  try {
    return await answer();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (!(error instanceof Error) || !isDeadLettersUnavailable(code)) throw error;
    log.warn({ code, reason: error.message }, 'dead letters not reached');
    const detail =
      code === 'inbox_unavailable' ? 'what is there already cannot be said; send it again' : error.message;
    return sendProblem(reply, problem(code, 503, detail));
  }
}

const UNAVAILABLE = ['broker_unavailable', 'dead_letters_busy', 'inbox_unavailable'] as const;

function isDeadLettersUnavailable(code: unknown): code is (typeof UNAVAILABLE)[number] {
  return UNAVAILABLE.some((known) => known === code);
}
