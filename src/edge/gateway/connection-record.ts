/**
 * What this node knows of one connection, from its opening to its end: how many sessions it carries, and why this
 * node closed it. A connection outlives its sessions, and may end before it has one.
 *
 * A connection is *new* until its first session begins (`hasBegun` is false). It is *in use* while it carries at
 * least one session, and *idle* once the last one has ended. An idle connection becomes in use again if a session
 * begins in time; otherwise it is closed here. Socket.IO waits only for a connection's first session: without this
 * timer, an idle connection would stay open for ever, past the expiry of its token.
 *
 * `closeCode` is set once, by `goaway.ts`, in any of these states. It is undefined if the client ended the
 * connection.
 */
import type { GoawayCode } from '../../contract/socket.ts';
import type { Allowance } from '../limits/token-bucket.ts';
import type { Connection } from './wire/shared-write.ts';

export class ConnectionRecord {
  /** How many messages the client may send now. Undefined until the connection is let in. */
  allowance: Allowance | undefined;
  /** Why this node closed it. */
  closeCode: GoawayCode | undefined;
  #sessions = 0;
  #hasBegun = false;
  #idle: NodeJS.Timeout | undefined;

  /**
   * Whether it has ever carried a session. Observers report the end of a session, but not that of a new connection.
   */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  sessionBegins(): void {
    this.#hasBegun = true;
    this.#sessions += 1;
    clearTimeout(this.#idle);
  }

  /** Makes the connection idle if this was its last session, and closes it unless another begins within `graceMs`. */
  sessionEnds(connection: Connection, graceMs: number): void {
    this.#sessions -= 1;
    if (this.#sessions > 0 || connection.readyState !== 'open') return;
    const idle = setTimeout(() => connection.close(), graceMs).unref();
    this.#idle = idle;
    connection.once('close', () => clearTimeout(idle));
  }
}

const RECORD = Symbol('connection record');

/** The record is a property of the connection, so it lives exactly as long. */
export function recordOf(connection: Connection): ConnectionRecord {
  const known: unknown = Reflect.get(connection, RECORD);
  if (known instanceof ConnectionRecord) return known;
  const state = new ConnectionRecord();
  Reflect.set(connection, RECORD, state);
  return state;
}
