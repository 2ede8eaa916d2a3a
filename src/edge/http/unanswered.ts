/**
 * The answers that a connection still owes. They come in the order in which was asked (RFC 9112, section 9.3.2): whoever
 * writes past a response object, to refuse an upgrade or what is no HTTP, MUST wait for them. A client would take its
 * words for the answer to an earlier request.
 */
import { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The response that is being written; others wait behind it. Node says this in no public way: a test fails when
 * `_httpMessage` moves.
 */
function current(socket: Socket): ServerResponse | undefined {
  const response: unknown = Reflect.get(socket, '_httpMessage');
  return response instanceof ServerResponse ? response : undefined;
}

export function owesAnswer(socket: Socket): boolean {
  return current(socket) !== undefined;
}

/**
 * Calls `act` when what was asked as a whole is answered, which may be at once. A request of which the rest cannot be
 * read is not whole: it is refused with what comes of `act`. When its answer has begun already, the connection is cut.
 */
export function whenAnswered(socket: Socket, act: () => void): void {
  const response = current(socket);
  if (response === undefined) act();
  else if (response.req.complete) response.once('close', () => whenAnswered(socket, act));
  else if (response.headersSent) socket.destroy();
  else act();
}
