/** The last word to a socket: a stable code, whether to come back and when; then the connection closes. */
import type { GoawayCode } from '../contract/socket.ts';
import type { GatewaySocket } from './server.ts';

/** `spreadMs`: clients that are sent away together are told different moments within it, so that they do not return together. */
const goaways: Record<GoawayCode, { readonly reconnect: boolean; readonly spreadMs: number }> = {
  token_expired: { reconnect: true, spreadMs: 0 },
  shutting_down: { reconnect: true, spreadMs: 5_000 },
  unavailable: { reconnect: true, spreadMs: 10_000 },
};

export function goaway(socket: GatewaySocket, code: GoawayCode): void {
  const { reconnect, spreadMs } = goaways[code];
  socket.data.closedAs = code;
  socket.emit('goaway', { code, reconnect, retryAfterMs: Math.round(Math.random() * spreadMs) });
  socket.disconnect(true);
}
