/**
 * What this node knows of one connection, from its opening to its end: how many sessions it carries, and why this node
 * closed it. A connection outlives its sessions, and may end before it has one.
 *
 * Socket.IO waits only for the first socket of a connection: one that its sockets have left would stay open for ever,
 * beyond the token that it came with.
 */
import type { GoawayCode } from '../../contract/socket.ts';
import type { Connection } from './wire/shared-write.ts';

export class ConnectionRecord {
  /** Why this node closed it. */
  closeCode: GoawayCode | undefined;
  #sessions = 0;
  #hasBegun = false;
  #idle: NodeJS.Timeout | undefined;

  /** Whether it has carried a session, which tells of its end by itself. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  sessionBegins(): void {
    this.#hasBegun = true;
    this.#sessions += 1;
    clearTimeout(this.#idle);
  }

  /** Closes the connection when no other session comes within `graceMs`. */
  sessionEnds(connection: Connection, graceMs: number): void {
    this.#sessions -= 1;
    if (this.#sessions > 0 || connection.readyState !== 'open') return;
    const idle = setTimeout(() => connection.close(), graceMs).unref();
    this.#idle = idle;
    connection.once('close', () => clearTimeout(idle));
  }
}

const RECORD = Symbol('connection record');

/** It lies on the connection itself, and so lives as long. */
export function recordOf(connection: Connection): ConnectionRecord {
  const known: unknown = Reflect.get(connection, RECORD);
  if (known instanceof ConnectionRecord) return known;
  const state = new ConnectionRecord();
  Reflect.set(connection, RECORD, state);
  return state;
}
