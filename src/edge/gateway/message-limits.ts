/**
 * How large a client's messages may be. The handshake needs room of its own, for a token of many departments and a cursor
 * of each; whoever may have such a token must be able to send the next one, and to ask for all of those cursors.
 */
import { HANDSHAKE_MAX_BYTES } from '../../contract/socket.ts';
import type { GatewaySocket } from './server.ts';
import { type Connection, limitInbound } from './wire/shared-write.ts';

/** In each of a token's characters are six bits of it, and its departments are in it: their cursors are no longer. */
const BYTES_PER_CHARACTER = 2;

/** Until the client has said who it is. */
export function handshakeBytes(maxMessageBytes: number): number {
  return Math.max(maxMessageBytes, HANDSHAKE_MAX_BYTES);
}

/** MUST be called for each connection when it opens. A WebSocket begins with this limit by itself. */
export function allowHandshake(connection: Connection, maxMessageBytes: number): void {
  if (connection.transport.name === 'polling') limitInbound(connection, handshakeBytes(maxMessageBytes));
}

/** MUST be called for each socket when it has connected, while its handshake is still known. Returns the limit. */
export function limitMessages({ conn, handshake }: GatewaySocket, maxMessageBytes: number): number {
  const token: unknown = handshake.auth.token;
  const length = typeof token === 'string' ? token.length : 0;
  const maxBytes = Math.max(maxMessageBytes, BYTES_PER_CHARACTER * length);
  limitInbound(conn, maxBytes);
  if (conn.transport.name === 'polling') conn.once('upgrade', () => limitInbound(conn, maxBytes));
  return maxBytes;
}
