/** What the log says of sessions: that those of sampled users begin and end, and of whoever was sent away, why. */
import type { Logger } from 'pino';
import { codeOf } from './goaway.ts';
import type { GatewaySocket } from './server.ts';

export interface EndOptions {
  /** The user is one of those that are sampled. */
  readonly isShown: boolean;
  readonly log: Logger;
  /** `code`: why this node closed it; empty when the client left by itself. */
  readonly onClosed: (code: string) => void;
}

export function followToItsEnd(socket: GatewaySocket, { isShown, log, onClosed }: EndOptions): void {
  if (isShown) {
    const { address } = socket.handshake;
    log.info({ ...whoIs(socket), address, transport: socket.conn.transport.name }, 'connected');
  }
  socket.on('disconnect', (reason) => {
    const code = codeOf(socket.conn);
    if (isShown || code !== undefined) log.info({ ...whoIs(socket), reason, code }, 'disconnected');
    onClosed(code ?? '');
  });
}

function whoIs({ id, data: { identity, device } }: GatewaySocket) {
  return { session: id, user: identity.user, device };
}
