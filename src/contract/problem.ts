/** Errors over HTTP: RFC 9457 problem details with stable codes. */
import { z } from 'zod';
import { type Refusal, type RefusalCode, refusalCodes } from './refusal.ts';
import { visible } from './visible.ts';

/** Of an answer that is a problem (RFC 9457). */
export const PROBLEM_TYPE = 'application/problem+json';

/** What can be wrong with a request besides the event in it. */
const httpCodes = {
  unauthorized: 'The bearer token is missing or not valid.',
  forbidden: 'The token does not allow it.',
  not_found: 'There is no such resource.',
  bad_request: 'The request is malformed.',
  request_timeout: 'The request was not there as a whole in time.',
  range_not_satisfiable: 'The file has no such part.',
  precondition_failed: 'The file is not the one that the request is for.',
  expectation_failed: 'Only 100-continue may be expected.',
  headers_too_large: 'The URL and the headers are larger than is taken.',
  misdirected: 'The request names a host that is not answered for here.',
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

/** Why a connection is refused before anybody knows whose it is, polling and WebSocket alike. */
export const connectionCodes = {
  shutting_down: 'This node is going down; connect again, to another.',
  origin: 'A page of this origin may not connect.',
  jsonp: 'JSONP polling is not offered: such requests hide the origin of their page.',
  full_node: 'This node has as many connections as are allowed; try again later.',
  full_address: 'The address has as many connections as are allowed; close one first.',
  method_not_allowed: 'The method is none of those that `Allow` names.',
  unsupported_protocol: 'The client speaks a version of Socket.IO that is not spoken here.',
  bad_handshake: 'The request for a WebSocket is malformed.',
  unknown_session: 'There is no such session here; begin a new one.',
  message_too_large: 'The body is larger than CLIENT_MESSAGE_MAX_BYTES; its session is over.',
  foreign_session: 'The session began elsewhere, or does not poll.',
} as const;

export type ProblemCode = keyof typeof httpCodes | keyof typeof connectionCodes | RefusalCode;

/** With which statuses each code comes: the one catalogue of them. */
export const problemStatuses = {
  unauthorized: [401],
  forbidden: [403],
  not_found: [404],
  bad_request: [400],
  request_timeout: [408],
  range_not_satisfiable: [416],
  precondition_failed: [412],
  expectation_failed: [417],
  headers_too_large: [431],
  misdirected: [421],
  ambiguous: [409],
  cannot_sign: [409],
  routes_unknown: [409],
  rate_limited: [429],
  broker_unavailable: [503],
  dead_letters_busy: [503],
  keys_unavailable: [503],
  redis_unavailable: [503],
  inbox_unavailable: [503],
  live_unavailable: [503],
  internal: [500],
  shutting_down: [503],
  origin: [403],
  jsonp: [400],
  full_node: [503],
  full_address: [429],
  method_not_allowed: [405],
  unsupported_protocol: [400],
  bad_handshake: [400, 426],
  unknown_session: [400],
  foreign_session: [400, 403],
  message_too_large: [413],
  not_json: [400],
  unsupported_media_type: [415],
  too_large: [413],
  invalid_event: [422],
  invalid_headers: [422],
  invalid_audience: [422],
  no_audience: [422],
  too_many_audiences: [422],
  expired: [422],
  no_source: [422],
} as const satisfies Record<ProblemCode, readonly number[]>;

type StatusOf<C extends ProblemCode> = (typeof problemStatuses)[C][number];

/** What any path may answer, whatever was asked of it: before it is known what is wanted, or who may have it. */
export const codesAnywhere = [
  'bad_request',
  'origin',
  'not_found',
  'method_not_allowed',
  'request_timeout',
  'too_large',
  'unsupported_media_type',
  'expectation_failed',
  'misdirected',
  'full_address',
  'headers_too_large',
  'internal',
  'full_node',
  'shutting_down',
] as const satisfies readonly ProblemCode[];

export const problemSchema = z
  .object({
    type: z.string().describe('A URI that names the kind of problem: urn:carillon:problem:<code>.'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('Stable; meant for programs.'),
    path: z.string().optional().describe('Where in the event the fault is.'),
    index: z.int().optional().describe('Which event of a batch.'),
    scope: z.string().optional().describe('forbidden: the scope that the token lacks.'),
    sources: z
      .array(z.string())
      .optional()
      .describe('ambiguous: the sources of the events that have this id.'),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details.' });

export type Problem = z.infer<typeof problemSchema>;

export const problemTitles: Record<ProblemCode, string> = {
  ...refusalCodes,
  ...httpCodes,
  ...connectionCodes,
};

/** The compiler sees to it that the status is one of the code's. */
export function problem<C extends ProblemCode>(code: C, status: StatusOf<C>, detail: string): Problem {
  // It may repeat what was asked, to somebody who reads it in a terminal.
  return {
    type: `urn:carillon:problem:${code}`,
    title: problemTitles[code],
    status,
    detail: visible(detail),
    code,
  };
}

/** The problem that an event's refusal is over HTTP. */
export function refusalProblem(refusal: Refusal, index?: number): Problem {
  return {
    ...problem(refusal.code, problemStatuses[refusal.code][0], refusal.message),
    ...(refusal.path === undefined ? {} : { path: visible(refusal.path) }),
    ...(index === undefined ? {} : { index }),
  };
}
