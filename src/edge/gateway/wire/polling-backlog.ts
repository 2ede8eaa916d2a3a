/**
 * What waits in Engine.IO for a client that polls until it asks again, counted with what waits for all others. When it
 * has asked, the answer is HTTP's, and is looked at with its connection.
 */
import type { Socket } from 'socket.io';
import { Backlog, Chunk, type PendingTotal } from './pending.ts';

type Connection = Socket['conn'];

class Polling {
  readonly backlog: Backlog;
  /** Of the packet that is written next, when others are sent it too. */
  shared: Chunk | undefined;

  constructor(backlog: Backlog) {
    this.backlog = backlog;
  }
}

/** It lies on the connection itself, and so lives as long. */
const POLLING = Symbol('what waits for a client that polls');

function pollingOf(connection: Connection): Polling | undefined {
  const polling: unknown = Reflect.get(connection, POLLING);
  return polling instanceof Polling ? polling : undefined;
}

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

/** What is written next is this, which others are sent too. */
export function shareNext(connection: Connection, chunk: Chunk): void {
  const polling = pollingOf(connection);
  if (polling !== undefined) polling.shared = chunk;
}

/** 0 for a connection that does not poll. */
export function pollingBytes(connection: Connection): number {
  return pollingOf(connection)?.backlog.bytes ?? 0;
}
