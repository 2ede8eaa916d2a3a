/**
 * Releases what a connected socket keeps from its handshake: the HTTP request with its headers, the token and cursors
 * that the client sent, and the time as a text. Socket.IO keeps these for the life of the connection, several kilobytes
 * each. Its documentation releases the request in the same way. Nothing may use them afterwards; the address stays.
 */
import type { EventEmitter } from 'node:events';
import type { GatewaySocket } from './server.ts';

const NOTHING = Object.freeze({});

export function releaseHandshake(socket: GatewaySocket): void {
  Object.assign(socket.handshake, { headers: NOTHING, query: NOTHING, auth: NOTHING, url: '', time: '' });
  // Polling continues with its own requests. Engine.IO reads this one only at the handshake.
  Object.assign(socket.conn, { request: undefined });
  const { transport } = socket.conn;
  if (transport.name === 'websocket') forgetOpening(transport);
}

/**
 * Engine.IO's listener for the headers of an answer is for polling. The table of the others has grown while the
 * transport opened, and does not shrink: it is made again.
 */
function forgetOpening(transport: EventEmitter): void {
  transport.removeAllListeners('headers');
  const listeners = transport.eventNames().map((name) => [name, transport.rawListeners(name)] as const);
  transport.removeAllListeners();
  for (const [name, each] of listeners)
    for (const listener of each) Reflect.apply(transport.on, transport, [name, listener]);
}
