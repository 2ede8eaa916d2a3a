/**
 * Polling sessions, and the origin where each began. Their requests carry no token but only the session's id, so
 * anybody who has seen an id could read the user's messages and send in the user's name. A session over WebSocket
 * takes no further requests at all.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { type Problem, problem } from '../../contract/problem.ts';
import { sessionIdOf } from './wire/sessions.ts';
import type { Connection } from './wire/shared-write.ts';

export class PollingSessions {
  /** The Origin of the first request, by session id; undefined if it had none. */
  readonly #origins = new Map<string, string | undefined>();

  /** MUST be called when a session begins, while its first request is still known. */
  follow(connection: Connection): void {
    if (connection.transport.name !== 'polling') return;
    const id = sessionIdOf(connection);
    this.#origins.set(id, connection.request.headers.origin);
    const forget = () => void this.#origins.delete(id);
    connection.once('upgrade', forget);
    connection.once('close', forget);
  }

  /**
   * Why a request does not belong to the session; undefined if it does. The caller MUST have checked that its origin
   * may connect.
   */
  refusalOf(sid: string, origin: string | undefined): Problem | undefined {
    if (!this.#origins.has(sid)) {
      // An upgrade would replace another client's WebSocket.
      return problem('foreign_session', 400, 'the session does not poll');
    }
    const first = this.#origins.get(sid);
    // Browsers send no Origin with a GET to the page's own origin, but they do with its POST and its WebSocket. So a
    // session that began without one may go on with one.
    if (first === undefined || first === origin) return undefined;
    return problem('foreign_session', 403, 'the session began on a page of another origin');
  }
}

/**
 * Whether a browser says that a page of another origin makes the request, but does not name the origin: as for a
 * script, an image or a link. A request whose answer the page could read does name it.
 */
export function isSentWithoutOrigin({ origin, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  return origin === undefined && (site === 'cross-site' || site === 'same-site');
}
