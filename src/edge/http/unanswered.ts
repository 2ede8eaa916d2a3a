/**
 * The answers that a connection still owes. They are sent in the order of the requests (RFC 9112, section 9.3.2).
 * Code that writes past a response object, to refuse an upgrade or bytes that are not HTTP, MUST wait for them: a
 * client would take its text for the answer to an earlier request.
 */
import { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The response that is being written; others wait behind it. Node has no public way to find it: a test fails when
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
 * Calls `act` once every complete request is answered, which may be at once. A request whose rest cannot be read is
 * not complete: `act` refuses it. If its answer has already begun, the connection is cut.
 */
export function whenAnswered(socket: Socket, act: () => void): void {
  const response = current(socket);
  if (response === undefined) act();
  else if (response.req.complete) response.once('close', () => whenAnswered(socket, act));
  else if (response.headersSent) socket.destroy();
  else act();
}
