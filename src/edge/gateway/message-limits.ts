/**
 * How large a client's messages may be. A handshake may be larger, because it may hold a token with many departments
 * and a cursor for each. A client with such a token must later be able to send its next token, and to ask for all of
 * those cursors.
 */
import { HANDSHAKE_MAX_BYTES } from '../../contract/socket.ts';
import type { GatewaySocket } from './server.ts';
import { type Connection, limitInbound } from './wire/shared-write.ts';

/**
 * Each character of a token carries six bits. The token names the departments, so their cursors are at most this much
 * longer.
 */
const BYTES_PER_CHARACTER = 2;

/** The limit until the client is authenticated. */
export function handshakeBytes(maxMessageBytes: number): number {
  return Math.max(maxMessageBytes, HANDSHAKE_MAX_BYTES);
}

/** MUST be called for each connection when it opens. A WebSocket starts with this limit already. */
export function allowHandshake(connection: Connection, maxMessageBytes: number): void {
  if (connection.transport.name === 'polling') limitInbound(connection, handshakeBytes(maxMessageBytes));
}

/** MUST be called for each socket when it has connected, before its handshake is released. Returns the limit. */
export function limitMessages({ conn, handshake }: GatewaySocket, maxMessageBytes: number): number {
  const token: unknown = handshake.auth.token;
  const length = typeof token === 'string' ? token.length : 0;
  const maxBytes = Math.max(maxMessageBytes, BYTES_PER_CHARACTER * length);
  limitInbound(conn, maxBytes);
  if (conn.transport.name === 'polling') conn.once('upgrade', () => limitInbound(conn, maxBytes));
  return maxBytes;
}
