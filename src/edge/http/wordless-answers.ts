/**
 * Adds problem details to refusals that consist of a status alone. Node itself sends these (no `Host`, an unknown
 * `Expect`, one request too many on a connection that is closing), and so does Engine.IO's polling (two requests of
 * one kind at once, a message that is too large).
 */
import {
  type IncomingMessage,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
  ServerResponse,
} from 'node:http';
import { PROBLEM_TYPE, type Problem, problem } from '../../contract/problem.ts';

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

const MALFORMED = problem('bad_request', 400, 'the request cannot be taken as it is');

const problems: Readonly<Record<number, Problem>> = {
  400: MALFORMED,
  413: problem('too_large', 413, 'the body is larger than is taken here'),
  417: problem('expectation_failed', 417, 'leave the header Expect out'),
  500: problem('internal', 500, 'the request failed; it may be sent again'),
  503: problem('shutting_down', 503, 'this connection takes no more requests; send it again on another'),
};

export class WrittenResponse<
  Request extends IncomingMessage = IncomingMessage,
> extends ServerResponse<Request> {
  override writeHead(status: number, message?: string, headers?: Headers): this;
  override writeHead(status: number, headers?: Headers): this;
  override writeHead(status: number, second?: string | Headers, third?: Headers): this {
    const found = problems[status];
    const headers = typeof second === 'string' ? third : second;
    if (found !== undefined && !this.hasHeader('content-type') && !namesType(headers)) {
      const body = JSON.stringify(found);
      this.setHeader('content-type', PROBLEM_TYPE);
      this.setHeader('content-length', Buffer.byteLength(body));
      this.setHeader('cache-control', 'no-store');
      if (status === 503) this.setHeader('retry-after', '5');
      super.writeHead(status, headers);
      // The caller ends the answer next, which then does nothing.
      this.end(body);
      return this;
    }
    return typeof second === 'string'
      ? super.writeHead(status, second, third)
      : super.writeHead(status, second);
  }
}

/** Headers come as an object, or as an array of alternating names and values. */
function namesType(headers: Headers | undefined): boolean {
  const names = Array.isArray(headers) ? headers : Object.keys(headers ?? {});
  return names.some((name) => String(name).toLowerCase() === 'content-type');
}
