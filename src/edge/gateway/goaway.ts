/** Sends a client away with a stable code, and whether and when to come back, then closes the connection. */
import type { GoawayCode } from '../../contract/socket.ts';
import { recordOf } from './connection-record.ts';
import type { GatewaySocket } from './server.ts';
import { type Connection, isTooSlow } from './wire/shared-write.ts';

/**
 * `spreadMs`: clients that are sent away together are given different delays up to this, so that they do not return
 * together.
 */
const goaways: Record<GoawayCode, { readonly reconnect: boolean; readonly spreadMs: number }> = {
  token_expired: { reconnect: true, spreadMs: 0 },
  shutting_down: { reconnect: true, spreadMs: 5_000 },
  unavailable: { reconnect: true, spreadMs: 10_000 },
  rate_limited: { reconnect: true, spreadMs: 30_000 },
  // Everything else this client does works, so it may return. `spreadMs` slows down a client that sends the same
  // message again.
  message_too_large: { reconnect: true, spreadMs: 30_000 },
  slow_consumer: { reconnect: true, spreadMs: 5_000 },
  disconnected: { reconnect: true, spreadMs: 1_000 },
  token_revoked: { reconnect: false, spreadMs: 0 },
};

export function goaway(socket: GatewaySocket, code: GoawayCode): void {
  recordOf(socket.conn).closeCode = code;
  socket.emit('goaway', messageOf(code));
  socket.disconnect(true);
}

/** Sends away a connection that may not have a socket yet. */
export function turnAway(connection: Connection, code: GoawayCode): void {
  sayGoaway(connection, code);
  connection.close();
}

/** Only writes the message, on a connection that is already being closed. */
export function sayGoaway(connection: Connection, code: GoawayCode): void {
  const state = recordOf(connection);
  // The first code counts.
  if (state.closeCode !== undefined) return;
  state.closeCode = code;
  // The bytes that Socket.IO writes for an event and a disconnect. Engine.IO adds its own packet type.
  connection.write(`2${JSON.stringify(['goaway', messageOf(code)])}`);
  connection.write('1');
}

/** Closes the connection of a client that does not read. A goaway would only wait behind everything else. */
export function cutOff(connection: Connection): void {
  recordOf(connection).closeCode = 'slow_consumer';
  connection.close(true);
}

/** Why this node sent the client away; undefined when the client left by itself. */
export function codeOf(connection: Connection): GoawayCode | undefined {
  return recordOf(connection).closeCode ?? (isTooSlow(connection) ? 'slow_consumer' : undefined);
}

function messageOf(code: GoawayCode) {
  const { reconnect, spreadMs } = goaways[code];
  return { code, reconnect, retryAfterMs: Math.round(Math.random() * spreadMs) };
}
