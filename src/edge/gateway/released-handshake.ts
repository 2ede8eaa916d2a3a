/**
 * Releases what a connected socket keeps from its handshake: the HTTP request with its headers, and the token and
 * cursors that the client sent. Socket.IO keeps these for the life of the connection, several kilobytes each. Its
 * documentation releases the request in the same way. Nothing may use them afterwards; the address stays.
 */
import type { GatewaySocket } from './server.ts';

const NOTHING = Object.freeze({});

export function releaseHandshake(socket: GatewaySocket): void {
  Object.assign(socket.handshake, { headers: NOTHING, query: NOTHING, auth: NOTHING, url: '' });
  // Polling continues with its own requests. Engine.IO reads this one only at the handshake.
  Object.assign(socket.conn, { request: undefined });
}
