/** Turns whatever fails in a request into problem details that reveal nothing internal. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { meanings } from '../../contract/meanings.ts';
import {
  PROBLEM_TYPE,
  type Problem,
  type ProblemCode,
  problem,
  problemSchema,
  problemStatuses,
  problemTitles,
  refusalProblem,
} from '../../contract/problem.ts';
import { refuse } from '../../contract/refusal.ts';
import { reasonOf } from '../../resilience/reason.ts';
import { isUnavailable } from '../../resilience/unavailable.ts';

export const NO_STORE = 'no-store';

export async function replyWithProblem(error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  const found = problemOf(error);
  if (found.status >= 500) request.log.error({ reason: error.message, stack: error.stack }, 'request failed');
  // The header is set here for requests that no hook has seen (a URL that cannot be read), and to replace the one
  // that a file would have had.
  return reply.code(found.status).header('cache-control', NO_STORE).type(PROBLEM_TYPE).send(found);
}

/** Problems for what fastify and its plugins refuse, by status. */
function problemOf({ code, message, statusCode = 500 }: FastifyError): Problem {
  if (code === 'FST_ERR_BAD_URL') return problem('bad_request', 400, 'the URL is malformed');
  switch (statusCode) {
    case 412:
      return problem('precondition_failed', 412, 'the file is another one by now');
    case 413:
      return refusalProblem(refuse('too_large', 'the body is larger than this endpoint takes').refusal);
    case 415:
      return problem('unsupported_media_type', 415, 'the content type of the body is not taken here');
    case 416:
      return problem('range_not_satisfiable', 416, 'the file has no such part');
    // A path that leads out of the folder of served files.
    case 403:
    case 404:
      return problem('not_found', 404, 'there is no such file');
    default:
      if (statusCode >= 500) return problem('internal', 500, 'the request failed; it may be sent again');
      return problem('bad_request', 400, message);
  }
}

export function sendProblem(reply: FastifyReply, found: Problem) {
  if (found.status === 401) reply.header('www-authenticate', 'Bearer');
  if (found.scope !== undefined)
    reply.header('www-authenticate', `Bearer error="insufficient_scope", scope="${found.scope}"`);
  // Every 503 is temporary.
  if (found.status === 503) reply.header('retry-after', '5');
  return reply.code(found.status).type(PROBLEM_TYPE).send(found);
}

/** What is said when something is away. */
export interface Away {
  /** What is asked for. */
  readonly part: string;
  /** For the log. @default Redis not reached */
  readonly message?: string;
  /** For whoever asks. @default Redis cannot be reached for the part */
  readonly detail?: string;
  /** Codes that the error may have. @default redis_unavailable alone */
  readonly codes?: readonly ProblemCode[];
}

/** Of what operators command all nodes to do. */
export const COMMAND_NOT_KEPT: Away = {
  part: 'admin commands',
  message: 'admin command not kept',
  detail: 'nothing was changed; send it again',
};

/**
 * Answers with what needs something that may be away, or with the problem that it is. `answer` may be called again and
 * MUST tolerate that. Any other failure is a fault in the code.
 */
export async function answering<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  { part, message = 'Redis not reached', detail, codes = [] }: Away,
  answer: () => Promise<T>,
) {
  try {
    return await answer();
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    const stated = error instanceof Error && 'code' in error ? error.code : undefined;
    const code = codes.find((known) => known === stated) ?? 'redis_unavailable';
    request.log.warn({ part, code, reason: reasonOf(error) }, message);
    const said = detail ?? `Redis cannot be reached for ${part}; send it again later`;
    return sendProblem(reply, problem(code, 503, said));
  }
}

/** The response schemas of a route that may answer with these problems, besides those of every path. */
export function problemResponses(...codes: readonly ProblemCode[]) {
  const statuses = new Set(codes.flatMap((code) => [...problemStatuses[code]]));
  return Object.fromEntries(
    [...statuses].map((status) => {
      const own = codes.filter((code) => problemStatuses[code].some((known) => known === status));
      const description = meanings(Object.fromEntries(own.map((code) => [code, problemTitles[code]])));
      return [status, { description, content: { [PROBLEM_TYPE]: { schema: problemSchema } } }];
    }),
  );
}
