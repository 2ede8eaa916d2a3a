/**
 * Sessions that poll, each from the origin where it began. Their requests carry no token, only the session's id, so
 * whoever has seen an id could read what comes and send in the user's name. A session that is a WebSocket takes no
 * further requests at all.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { type Problem, problem } from '../../contract/problem.ts';
import { sessionIdOf } from './wire/sessions.ts';
import type { Connection } from './wire/shared-write.ts';

export class PollingSessions {
  /** The Origin of the first request, by the session's id; undefined where that had none. */
  readonly #origins = new Map<string, string | undefined>();

  /** MUST be called when a session begins, while its first request is at hand. */
  follow(connection: Connection): void {
    if (connection.transport.name !== 'polling') return;
    const id = sessionIdOf(connection);
    this.#origins.set(id, connection.request.headers.origin);
    const forget = () => void this.#origins.delete(id);
    connection.once('upgrade', forget);
    connection.once('close', forget);
  }

  /** Why a request does not belong to the session. Its origin MUST be one that may connect. */
  refusalOf(sid: string, origin: string | undefined): Problem | undefined {
    if (!this.#origins.has(sid)) {
      // An upgrade would replace the WebSocket of somebody else.
      return problem('foreign_session', 400, 'the session does not poll');
    }
    const first = this.#origins.get(sid);
    // A page's GET to its own origin has none, its POST and its WebSocket have: what began without may go on with one.
    if (first === undefined || first === origin) return undefined;
    return problem('foreign_session', 403, 'the session began on a page of another origin');
  }
}

/**
 * Whether a browser says that a page of another origin makes the request, in a way that names no origin: as a script, an
 * image, a link. What may read the answer names its origin.
 */
export function isSentWithoutOrigin({ origin, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  return origin === undefined && (site === 'cross-site' || site === 'same-site');
}
