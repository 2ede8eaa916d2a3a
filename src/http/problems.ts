/** Whatever fails in a request → problem details, without a word about our insides. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEM_TYPE, type Problem, problem, problemSchema, refusalProblem } from '../contract/problem.ts';
import { reasonOf } from '../contract/reason.ts';
import { refuse } from '../contract/refusal.ts';
import { isUnavailable } from '../contract/unavailable.ts';

export const NO_STORE = 'no-store';

export async function replyWithProblem(error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  const found = problemOf(error);
  if (found.status >= 500) request.log.error({ reason: error.message, stack: error.stack }, 'request failed');
  // Of what no hook has seen, as a URL that cannot be read, too; and in place of what a file would have said.
  return reply.code(found.status).header('cache-control', NO_STORE).type(PROBLEM_TYPE).send(found);
}

function problemOf(error: FastifyError): Problem {
  const status = error.statusCode ?? 500;
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return refusalProblem(refuse('too_large', 'the body is larger than this endpoint takes').refusal);
  }
  if (error.code === 'FST_ERR_BAD_URL') return problem('bad_request', status, 'the URL is malformed');
  if (status >= 500) return problem('internal', 500, 'the request failed; it may be sent again');
  return problem('bad_request', status, error.message);
}

export function sendProblem(reply: FastifyReply, found: Problem) {
  if (found.status === 401) reply.header('www-authenticate', 'Bearer');
  // All that are 503 end by themselves.
  if (found.status === 503) reply.header('retry-after', '5');
  return reply.code(found.status).type(PROBLEM_TYPE).send(found);
}

/** Answers with what needs Redis, or that it is away. `answer` MUST bear a repeat. Every other failure stays one of ours. */
export async function answering<T>(request: FastifyRequest, reply: FastifyReply, answer: () => Promise<T>) {
  try {
    return await answer();
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    request.log.warn({ reason: reasonOf(error) }, 'Redis not reached');
    return sendProblem(
      reply,
      problem('redis_unavailable', 503, 'Redis cannot be reached; send it again later'),
    );
  }
}

/** The response schemas of a route that may answer with these problems. */
export function problemResponses(...statuses: number[]) {
  return Object.fromEntries(
    statuses.map((status) => [status, { content: { [PROBLEM_TYPE]: { schema: problemSchema } } }]),
  );
}
