/**
 * Requests that ask for another protocol than those spoken here are answered as if they had not asked (RFC 9110,
 * section 7.8). Java's HttpClient asks every server for `h2c`, with every request. By itself Node hands each of them
 * to whoever listens for upgrades, when anybody does, and answers none.
 *
 * Node makes requests and responses of the classes that its server is given, and asks a request's `upgrade` whether it
 * is one; older versions have no other way. A test fails when this one moves.
 */
import { IncomingMessage } from 'node:http';
import { owesAnswer } from './unanswered.ts';
import { WrittenResponse } from './wordless-answers.ts';

/** Where Socket.IO listens, as Engine.IO compares it. */
const WEB_SOCKET_PATH = '/socket.io/';

/** A request that is an upgrade only when it asks for a WebSocket where there is one. */
export class PlainRequest extends IncomingMessage {
  #asks = false;
  #isTaken = false;

  /** Whether it asks for another protocol, taken or not. */
  get asksToUpgrade(): boolean {
    return this.#asks;
  }

  get upgrade(): boolean {
    return this.#isTaken && asksForWebSocket(this);
  }

  /** Node sets what the request asks, and then whether anybody listens for it. */
  set upgrade(value: unknown) {
    // Node's own constructor sets it too, before there are fields.
    if (!(#asks in this)) return;
    // Behind a request that is not answered yet it has to wait for its turn, as what is no upgrade does.
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
    // A body would be taken for frames.
    headers['transfer-encoding'] === undefined &&
    Number(headers['content-length'] ?? 0) === 0
  );
}

/**
 * Closes the connection with the answer to a request that asked. Node's parser throws away what came behind it in the
 * same segment: another request there would wait for its answer for ever.
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
