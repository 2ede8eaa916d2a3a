/**
 * A shared frame's way to one client: straight to its WebSocket, or, for one that polls or is just changing its
 * transport, through Engine.IO, which keeps its order.
 *
 * The WebSocket under a transport is no public member of Engine.IO: this is the one file that touches it.
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
    // Engine.IO puts the packet's type, the first character, in front by itself.
    shareNext(connection, frame.chunk);
    connection.write(frame.text.slice(1));
  }
}

/** Whether the connection was cut because the client did not take what it was sent. */
export function isTooSlow(connection: Connection): boolean {
  return wireSocketOf(connection)?.isTooSlow === true;
}

/** Nothing for a client that polls. `run`: what it writes is the last that the client is sent. */
export function whenTooLarge(connection: Connection, run: () => void): void {
  const socket = wireSocketOf(connection);
  if (socket !== undefined) socket.onTooLarge = run;
}

/** How large one message of the client may be from now on, whichever its transport. */
export function limitInbound(connection: Connection, maxBytes: number): void {
  const socket = wireSocketOf(connection);
  if (socket !== undefined) {
    socket.limitInbound(maxBytes);
    return;
  }
  const { transport } = connection;
  if (isLimited(transport)) transport.maxHttpBufferSize = maxBytes;
}

/** What a polling client may post at once now. */
export function postMaxBytes({ transport }: Connection): number {
  return isLimited(transport) ? transport.maxHttpBufferSize : Number.POSITIVE_INFINITY;
}

function isLimited(transport: object): transport is { maxHttpBufferSize: number } {
  return 'maxHttpBufferSize' in transport && typeof transport.maxHttpBufferSize === 'number';
}

/** Bytes that wait for the client, whichever its transport. */
export function pendingBytes(connection: Connection): number {
  return wireSocketOf(connection)?.pendingBytes ?? pollingBytes(connection);
}

/** Keeps what is sent to the client until the function that this returns is called, or the connection closes. */
export function holdWrites(connection: Connection): () => void {
  const socket = wireSocketOf(connection);
  socket?.hold();
  return () => socket?.release();
}

/** Undefined while a client polls. */
function wireSocketOf({ transport }: Connection): WireSocket | undefined {
  return 'socket' in transport && transport.socket instanceof WireSocket ? transport.socket : undefined;
}
