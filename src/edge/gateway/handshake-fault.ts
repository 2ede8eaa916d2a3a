/**
 * What is wrong with a request for a WebSocket, or with one that polls. Engine.IO and ws ask the same, but too late,
 * without a written answer, or with numbers for codes: Engine.IO judges the version of its protocol after the WebSocket
 * is open, and then closes it.
 */
import type { IncomingMessage } from 'node:http';
import { type Problem, problem } from '../../contract/problem.ts';

export type Query = Readonly<Record<string, string>>;

/** As Engine.IO has read it, which of a repeated name takes the last. Empty when it has not. */
export function queryOf(request: IncomingMessage): Query {
  const query: unknown = Reflect.get(request, '_query');
  return isQuery(query) ? query : {};
}

function isQuery(value: unknown): value is Query {
  return typeof value === 'object' && value !== null;
}

const UNSUPPORTED = problem(
  'unsupported_protocol',
  400,
  'the query must say EIO=4: this is for Socket.IO 3 and later',
);

const BAD_ORIGIN = problem('bad_handshake', 400, 'Origin has a character that no header may have');

function hasBadOrigin({ origin = '' }: IncomingMessage['headers']): boolean {
  return /[^\t\x20-\x7e\x80-\xff]/.test(origin);
}

/** What Engine.IO would refuse of a request that polls. Undefined when it will take it. */
export function pollingFault({ method, headers }: IncomingMessage, query: Query): Problem | undefined {
  if (query.EIO !== '4') return UNSUPPORTED;
  if (query.transport !== 'polling') {
    return problem('bad_handshake', 400, 'the query must say transport=polling, or ask for a WebSocket');
  }
  if (hasBadOrigin(headers)) return BAD_ORIGIN;
  const isNew = query.sid === undefined || query.sid === '';
  return isNew && method !== 'GET' ? problem('bad_handshake', 400, 'a session begins with GET') : undefined;
}

/** Undefined when Engine.IO and ws will take it. */
export function handshakeFault({ headers, socket }: IncomingMessage, query: Query): Problem | undefined {
  if (query.EIO !== '4') return UNSUPPORTED;
  if (query.transport !== 'websocket') {
    return problem('bad_handshake', 400, 'the query must say transport=websocket');
  }
  if (!/^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')) {
    return problem('bad_handshake', 400, 'Sec-WebSocket-Key must be 16 bytes in base64');
  }
  if (!['13', '8'].includes(headers['sec-websocket-version'] ?? '')) {
    return problem('bad_handshake', 426, 'Sec-WebSocket-Version must be 13');
  }
  if (hasBadOrigin(headers)) return BAD_ORIGIN;
  // ws would close the stream of a client that has already ended its own side.
  if (!socket.readable)
    return problem('bad_handshake', 400, 'the client has ended its side of the connection');
  return undefined;
}
