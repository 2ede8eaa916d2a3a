/** What all answers to clients' requests have in common. */
import type { Logger } from 'pino';
import type { z } from 'zod';
import { formatPath } from '../../contract/refusal.ts';
import type { RequestError, RequestErrorCode } from '../../contract/socket.ts';
import type { Meter } from '../../pipeline/inbox/meter.ts';
import { faultOf, isUnavailable } from '../../resilience/unavailable.ts';
import type { GatewaySocket } from './server.ts';
import type { Session } from './session.ts';

/** The client that made the request. */
export interface Client {
  readonly socket: GatewaySocket;
  readonly session: Session;
}

/** Registers what is to run once the answer has been sent. */
export type Afterwards = (run: () => void) => void;

export type Answer = (client: Client, body: unknown, afterwards: Afterwards) => Promise<unknown>;

/** Answers a request within the user's limits, and charges its cost. */
export type Limited = <Result>(
  client: Client,
  answer: (meter: Meter) => Promise<Result>,
) => Promise<Result | RequestError>;

/** Passes only requests of this form to the handler. */
export function checked<Request, Result>(
  form: z.ZodType<Request>,
  handle: (client: Client, request: Request, afterwards: Afterwards) => Promise<Result | RequestError>,
): Answer {
  return async (client, body, afterwards) => {
    const request = readAs(form, body);
    return request.ok ? await handle(client, request.value, afterwards) : request.error;
  };
}

export type ReadRequest<Request> =
  | { readonly ok: true; readonly value: Request }
  | { readonly ok: false; readonly error: RequestError };

export function readAs<Request>(form: z.ZodType<Request>, body: unknown): ReadRequest<Request> {
  const request = form.safeParse(body ?? undefined);
  if (request.success) return { ok: true, value: request.data };
  const [issue] = request.error.issues;
  const message = `${formatPath(issue?.path ?? [])} ${issue?.message}`.trim();
  return { ok: false, error: failed('bad_request', message) };
}

/**
 * The answer to a request of a session that is over; nobody receives it. Requests that only read are not carried out
 * any more. `mark` and `publish` are, because they change what others see.
 */
export function gone(): RequestError {
  return failed('unavailable', 'the session is over');
}

export function failed(code: RequestErrorCode, message: string): RequestError {
  return { error: { code, message } };
}

/** Answers a request whose handler threw, and logs the error. `about`: the client and the request, for the log. */
export function answerFailure(log: Logger, error: unknown, about: object): RequestError {
  if (isUnavailable(error)) {
    log.warn({ ...about, part: 'requests', reason: String(error) }, 'request failed');
    return failed('unavailable', 'try again later');
  }
  log.error({ ...about, ...faultOf(error) }, 'request failed');
  return failed('internal', 'the request failed; it may be sent again');
}

export function rateLimited(message: string, retryAfterMs: number): RequestError {
  return { error: { code: 'rate_limited', message, retryAfterMs: Math.ceil(retryAfterMs) } };
}
