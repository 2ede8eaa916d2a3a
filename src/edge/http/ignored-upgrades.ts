/**
 * Answers requests that ask to upgrade to a protocol that is not spoken here as if they had not asked (RFC 9110,
 * section 7.8). Java's HttpClient asks every server for `h2c` with every request. Node itself passes all of them to
 * the upgrade listener, if there is one, and answers none.
 *
 * Node creates requests and responses of the classes that a server is given, and reads a request's `upgrade` to find
 * out what it is. Older versions have no other way. A test fails when this one moves.
 */
import { IncomingMessage } from 'node:http';
import { owesAnswer } from './unanswered.ts';
import { WrittenResponse } from './wordless-answers.ts';

/** The path of Socket.IO, as Engine.IO compares it. */
const WEB_SOCKET_PATH = '/socket.io/';

/** A request that counts as an upgrade only if it asks for a WebSocket on Socket.IO's path. */
export class PlainRequest extends IncomingMessage {
  #asks = false;
  #isTaken = false;

  /** Whether it asks for another protocol, whether or not this is granted. */
  get asksToUpgrade(): boolean {
    return this.#asks;
  }

  get upgrade(): boolean {
    return this.#isTaken && asksForWebSocket(this);
  }

  /** Node first sets what the request asks for, and then whether anybody listens for it. */
  set upgrade(value: unknown) {
    // Node's own constructor sets it too, before the fields exist.
    if (!(#asks in this)) return;
    // After a request that is not answered yet, it waits for its turn like a request without an upgrade.
    this.#isTaken = value === true && !owesAnswer(this.socket);
    if (value === true) this.#asks = true;
  }
}

function asksForWebSocket({ method, url, httpVersionMinor, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    url?.startsWith(WEB_SOCKET_PATH) === true &&
    // HTTP/1.0 has no upgrades.
    httpVersionMinor > 0 &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    // A body would be read as frames.
    headers['transfer-encoding'] === undefined &&
    Number(headers['content-length'] ?? 0) === 0
  );
}

/**
 * Closes the connection after the answer to a request that asked for an upgrade. Node's parser discards what followed
 * in the same segment, and another request in it would never be answered.
 */
export class PlainResponse<
  Request extends IncomingMessage = IncomingMessage,
> extends WrittenResponse<Request> {
  constructor(...given: ConstructorParameters<typeof WrittenResponse<Request>>) {
    super(...given);
    const { req: request } = this;
    if (request instanceof PlainRequest && request.asksToUpgrade) this.setHeader('connection', 'close');
  }
}
