/**
 * Sends a shared frame to one client: directly to its WebSocket or, if the client polls or is changing its transport,
 * through Engine.IO, which keeps the order.
 *
 * The WebSocket under a transport is not a public member of Engine.IO: this is the one file that touches it.
 */
import type { Socket } from 'socket.io';
import type { Frame } from './frame.ts';
import { pollingBytes, shareNext } from './polling-backlog.ts';
import { WireSocket } from './wire-socket.ts';

/** Engine.IO's socket: what Socket.IO calls `socket.conn`. */
export type Connection = Socket['conn'];

export function writeShared(connection: Connection, frame: Frame): void {
  const socket = wireSocketOf(connection);
  if (socket !== undefined) socket.share(frame);
  else {
    // Engine.IO adds the packet's type, the first character, itself.
    shareNext(connection, frame.chunk);
    connection.write(frame.text.slice(1));
  }
}

/** Whether the connection was cut because the client did not read. */
export function isTooSlow(connection: Connection): boolean {
  return wireSocketOf(connection)?.isTooSlow === true;
}

/**
 * Calls `run` when a message of the client is too large; what it writes is the last that the client gets. Does
 * nothing for a polling client.
 */
export function whenTooLarge(connection: Connection, run: () => void): void {
  const socket = wireSocketOf(connection);
  if (socket !== undefined) socket.onTooLarge = run;
}

/** Sets how large a message of the client may be from now on, for any transport. */
export function limitInbound(connection: Connection, maxBytes: number): void {
  const socket = wireSocketOf(connection);
  if (socket !== undefined) {
    socket.limitInbound(maxBytes);
    return;
  }
  const { transport } = connection;
  if (isLimited(transport)) transport.maxHttpBufferSize = maxBytes;
}

/** How many bytes a polling client may post now. */
export function postMaxBytes({ transport }: Connection): number {
  return isLimited(transport) ? transport.maxHttpBufferSize : Number.POSITIVE_INFINITY;
}

function isLimited(transport: object): transport is { maxHttpBufferSize: number } {
  return 'maxHttpBufferSize' in transport && typeof transport.maxHttpBufferSize === 'number';
}

/** Bytes that wait for the client, for any transport. */
export function pendingBytes(connection: Connection): number {
  return wireSocketOf(connection)?.pendingBytes ?? pollingBytes(connection);
}

/** Holds back what is sent to the client until the returned function is called or the connection closes. */
export function holdWrites(connection: Connection): () => void {
  const socket = wireSocketOf(connection);
  socket?.hold();
  return () => socket?.release();
}

/** Undefined while a client polls. */
function wireSocketOf({ transport }: Connection): WireSocket | undefined {
  return 'socket' in transport && transport.socket instanceof WireSocket ? transport.socket : undefined;
}
