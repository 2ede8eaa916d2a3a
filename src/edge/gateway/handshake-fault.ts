/**
 * Finds what is wrong with a request that opens a WebSocket or polls. Engine.IO and ws check the same, but too late,
 * without a written answer, or with numbers as codes. For example, Engine.IO opens the WebSocket before it checks the
 * version of its protocol, and then closes it.
 */
import type { IncomingMessage } from 'node:http';
import { type Problem, problem } from '../../contract/problem.ts';

export type Query = Readonly<Record<string, string>>;

/** The query as Engine.IO has parsed it; of a repeated name the last value counts. Empty if it was not parsed. */
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

/** Why Engine.IO would refuse a polling request; undefined when it will not. */
export function pollingFault({ method, headers }: IncomingMessage, query: Query): Problem | undefined {
  if (query.EIO !== '4') return UNSUPPORTED;
  if (query.transport !== 'polling') {
    return problem('bad_handshake', 400, 'the query must say transport=polling, or ask for a WebSocket');
  }
  if (hasBadOrigin(headers)) return BAD_ORIGIN;
  const isNew = query.sid === undefined || query.sid === '';
  return isNew && method !== 'GET' ? problem('bad_handshake', 400, 'a session begins with GET') : undefined;
}

/** Why Engine.IO or ws would refuse a WebSocket; undefined when neither will. */
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
  // ws closes the stream without an answer if the client has already ended its own side.
  if (!socket.readable)
    return problem('bad_handshake', 400, 'the client has ended its side of the connection');
  return undefined;
}
