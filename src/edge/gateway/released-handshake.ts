/**
 * Lets go of what a connected socket carries from its handshake: the HTTP request with its headers, and the token and
 * cursors that the client sent. Socket.IO keeps them for as long as the connection lives, kilobytes each, and its
 * documentation shows the same for the request. Nothing may ask for them after this; the address stays.
 */
import type { GatewaySocket } from './server.ts';

const NOTHING = Object.freeze({});

export function releaseHandshake(socket: GatewaySocket): void {
  Object.assign(socket.handshake, { headers: NOTHING, query: NOTHING, auth: NOTHING, url: '' });
  // Polling goes on with requests of its own; Engine.IO looks at this one only at the handshake.
  Object.assign(socket.conn, { request: undefined });
}
