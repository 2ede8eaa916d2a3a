/** Errors over HTTP: RFC 9457 problem details with stable codes. */
import { z } from 'zod';
import { type Refusal, type RefusalCode, refusalCodes } from './refusal.ts';

/** What can be wrong with a request besides the event in it. */
export const httpCodes = {
  unauthorized: 'The bearer token is missing or not valid.',
  forbidden: 'The token does not allow it.',
  not_found: 'There is no such resource.',
  bad_request: 'The request is malformed.',
  ambiguous: 'More than one is meant; say which.',
  cannot_sign: 'This service only verifies tokens; somebody else makes them.',
  routes_unknown: 'This process does not know the routes; a consumer does, or one that has ROUTES_FILE.',
  rate_limited: 'More was asked for than is allowed; Retry-After says when to try again.',
  broker_unavailable: 'RabbitMQ is away or did not confirm; the same request may be sent again.',
  dead_letters_busy: 'Somebody else has the dead letters in hand; the same request may be sent again.',
  keys_unavailable: 'Whether the token is valid cannot be said now; the same request may be sent again.',
  redis_unavailable: 'Redis is away; the same request may be sent again.',
  inbox_unavailable: 'The inbox cannot be reached; the same request may be sent again.',
  live_unavailable: 'As many watch as may, or this process is going down; try again later.',
  internal: 'The server failed.',
} as const;

export type ProblemCode = keyof typeof httpCodes | RefusalCode;

export const problemSchema = z
  .object({
    type: z.string().describe('A URI that names the kind of problem: urn:carillon:problem:<code>.'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('Stable; meant for programs.'),
    path: z.string().optional().describe('Where in the event the fault is.'),
    index: z.int().optional().describe('Which event of a batch.'),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details.' });

export type Problem = z.infer<typeof problemSchema>;

const refusalStatus: Record<RefusalCode, number> = {
  not_json: 400,
  unsupported_media_type: 415,
  too_large: 413,
  invalid_event: 422,
  invalid_headers: 422,
  invalid_audience: 422,
  no_audience: 422,
  too_many_audiences: 422,
  expired: 422,
};

const titles: Record<ProblemCode, string> = { ...refusalCodes, ...httpCodes };

export function problem(code: ProblemCode, status: number, detail: string): Problem {
  return { type: `urn:carillon:problem:${code}`, title: titles[code], status, detail, code };
}

/** The problem that an event's refusal is over HTTP. */
export function refusalProblem(refusal: Refusal, index?: number): Problem {
  return {
    ...problem(refusal.code, refusalStatus[refusal.code], refusal.message),
    ...(refusal.path === undefined ? {} : { path: refusal.path }),
    ...(index === undefined ? {} : { index }),
  };
}
