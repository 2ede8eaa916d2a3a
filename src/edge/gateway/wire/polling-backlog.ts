/**
 * Counts what waits in Engine.IO for a polling client until its next request. The answer to that request belongs to
 * HTTP, and is counted with its connection.
 */
import type { Socket } from 'socket.io';
import { Backlog, Chunk, type PendingTotal } from './pending.ts';

type Connection = Socket['conn'];

class Polling {
  readonly backlog: Backlog;
  /** The chunk of the packet that is written next, if other clients get it too. */
  shared: Chunk | undefined;

  constructor(backlog: Backlog) {
    this.backlog = backlog;
  }
}

/** Stored on the connection itself, so that it lives exactly as long. */
const POLLING = Symbol('what waits for a client that polls');

function pollingOf(connection: Connection): Polling | undefined {
  const polling: unknown = Reflect.get(connection, POLLING);
  return polling instanceof Polling ? polling : undefined;
}

/** MUST be called for each connection when it opens. WebSockets count what waits for them themselves. */
export function followPolling(connection: Connection, pending: PendingTotal, cutOff: () => void): void {
  if (connection.transport.name !== 'polling') return;
  const waiter = {
    get pendingBytes() {
      return backlog.bytes;
    },
    cutOff,
  };
  const backlog = new Backlog(pending, waiter);
  const polling = new Polling(backlog);
  const count = (packet: { readonly data?: unknown }) => {
    const bytes = typeof packet.data === 'string' ? packet.data.length : 0;
    backlog.add(polling.shared ?? new Chunk(bytes));
    polling.shared = undefined;
  };
  const clear = () => backlog.clear();
  const end = () => {
    clear();
    Reflect.set(connection, POLLING, undefined);
    connection.off('packetCreate', count);
    connection.off('flush', clear);
  };
  Reflect.set(connection, POLLING, polling);
  connection.on('packetCreate', count);
  connection.on('flush', clear);
  connection.once('upgrade', end);
  connection.once('close', end);
}

/** Marks what is written next as shared with other clients. */
export function shareNext(connection: Connection, chunk: Chunk): void {
  const polling = pollingOf(connection);
  if (polling !== undefined) polling.shared = chunk;
}

/** 0 for a connection that does not poll. */
export function pollingBytes(connection: Connection): number {
  return pollingOf(connection)?.backlog.bytes ?? 0;
}
