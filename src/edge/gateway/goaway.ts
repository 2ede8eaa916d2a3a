/** The last word to a client: a stable code, whether to come back and when; then the connection closes. */
import type { GoawayCode } from '../../contract/socket.ts';
import { recordOf } from './connection-record.ts';
import type { GatewaySocket } from './server.ts';
import { type Connection, isTooSlow } from './wire/shared-write.ts';

/** `spreadMs`: clients that are sent away together are told different moments within it, so that they do not return together. */
const goaways: Record<GoawayCode, { readonly reconnect: boolean; readonly spreadMs: number }> = {
  token_expired: { reconnect: true, spreadMs: 0 },
  shutting_down: { reconnect: true, spreadMs: 5_000 },
  unavailable: { reconnect: true, spreadMs: 10_000 },
  rate_limited: { reconnect: true, spreadMs: 30_000 },
  // What else this client has to do works; `spreadMs`, because who does not heed it comes with the same again.
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

/** For a connection that may not have a socket yet. */
export function turnAway(connection: Connection, code: GoawayCode): void {
  sayGoaway(connection, code);
  connection.close();
}

/** The same for a connection that is being closed already. */
export function sayGoaway(connection: Connection, code: GoawayCode): void {
  const state = recordOf(connection);
  // What was said first is why.
  if (state.closeCode !== undefined) return;
  state.closeCode = code;
  // As Socket.IO writes an event and a disconnect; Engine.IO puts its own packet type in front.
  connection.write(`2${JSON.stringify(['goaway', messageOf(code)])}`);
  connection.write('1');
}

/** For a connection whose client does not take what it is sent: a last word would wait behind all the rest. */
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
