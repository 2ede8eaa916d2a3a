/** What every answer to a client's request is made of. */
import type { Logger } from 'pino';
import type { z } from 'zod';
import { formatPath } from '../../contract/refusal.ts';
import type { RequestError, RequestErrorCode } from '../../contract/socket.ts';
import type { Meter } from '../../pipeline/inbox/meter.ts';
import { faultOf, isUnavailable } from '../../resilience/unavailable.ts';
import type { GatewaySocket } from './server.ts';
import type { Session } from './session.ts';

/** Whose request it is. */
export interface Client {
  readonly socket: GatewaySocket;
  readonly session: Session;
}

/** Runs when the answer has been sent. */
export type Afterwards = (run: () => void) => void;

export type Answer = (client: Client, body: unknown, afterwards: Afterwards) => Promise<unknown>;

/** Answers within what the user may ask for, and charges what that costs. */
export type Limited = <Result>(
  client: Client,
  answer: (meter: Meter) => Promise<Result>,
) => Promise<Result | RequestError>;

/** Lets a handler see only requests that have this form. */
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
 * For requests of a session that is over, whose answer nobody hears: what only reads is not read any more. `mark` and
 * `publish` change what others see, and what a client asked before it left is done.
 */
export function gone(): RequestError {
  return failed('unavailable', 'the session is over');
}

export function failed(code: RequestErrorCode, message: string): RequestError {
  return { error: { code, message } };
}

/** The answer to a request on which something was thrown, and the line in the log. `about`: whose request, and which. */
export function answerFailure(log: Logger, error: unknown, about: object): RequestError {
  if (isUnavailable(error)) {
    log.warn({ ...about, reason: String(error) }, 'request failed');
    return failed('unavailable', 'try again later');
  }
  log.error({ ...about, ...faultOf(error) }, 'request failed');
  return failed('internal', 'the request failed; it may be sent again');
}

export function rateLimited(message: string, retryAfterMs: number): RequestError {
  return { error: { code: 'rate_limited', message, retryAfterMs: Math.ceil(retryAfterMs) } };
}
