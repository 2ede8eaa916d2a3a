/**
 * What waits in Engine.IO for a client that polls until it asks again, counted with what waits for all others. When it
 * has asked, the answer is HTTP's, and is looked at with its connection.
 */
import type { Socket } from 'socket.io';
import { Backlog, Chunk, type PendingTotal } from './pending.ts';

type Connection = Socket['conn'];

interface Polling {
  readonly backlog: Backlog;
  /** Of the packet that is written next, when others are sent it too. */
  shared: Chunk | undefined;
}

const followed = new WeakMap<Connection, Polling>();

/** MUST be called for each connection when it opens; those over WebSocket look after themselves. */
export function followPolling(connection: Connection, pending: PendingTotal, cutOff: () => void): void {
  if (connection.transport.name !== 'polling') return;
  const waiter = {
    get pendingBytes() {
      return backlog.bytes;
    },
    cutOff,
  };
  const backlog = new Backlog(pending, waiter);
  const polling: Polling = { backlog, shared: undefined };
  const count = (packet: { readonly data?: unknown }) => {
    const bytes = typeof packet.data === 'string' ? packet.data.length : 0;
    backlog.add(polling.shared ?? new Chunk(bytes));
    polling.shared = undefined;
  };
  const clear = () => backlog.clear();
  const end = () => {
    clear();
    followed.delete(connection);
    connection.off('packetCreate', count);
    connection.off('flush', clear);
  };
  followed.set(connection, polling);
  connection.on('packetCreate', count);
  connection.on('flush', clear);
  connection.once('upgrade', end);
  connection.once('close', end);
}

/** What is written next is this, which others are sent too. */
export function shareNext(connection: Connection, chunk: Chunk): void {
  const polling = followed.get(connection);
  if (polling !== undefined) polling.shared = chunk;
}

/** 0 for a connection that does not poll. */
export function pollingBytes(connection: Connection): number {
  return followed.get(connection)?.backlog.bytes ?? 0;
}
