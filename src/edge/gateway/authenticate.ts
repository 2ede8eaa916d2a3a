/** The handshake: who connects, and that nobody gets in without a valid token. */
import type { Logger } from 'pino';
import { type HandshakeErrorCode, handshakeAuthSchema } from '../../contract/socket.ts';
import { noToken, type Verify } from '../../contract/token.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import type { GatewayServer, GatewaySocket } from './server.ts';

/** Refuses a connection; the client gets a `connect_error` whose data holds the code, and what it may know besides. */
class HandshakeRefusal extends Error {
  readonly data: { readonly code: HandshakeErrorCode; readonly message?: string };

  constructor(code: HandshakeErrorCode, message: string | undefined) {
    super(code);
    this.data = message === undefined ? { code } : { code, message };
  }
}

export interface AuthenticateOptions {
  readonly verify: Verify;
  readonly connectionLimits: ConnectionLimits;
  readonly log: Logger;
  readonly onRefused: (code: HandshakeErrorCode) => void;
}

/**
 * Middleware that puts the identity on the socket, or refuses it. Why it was refused goes to the log; to the client only
 * what is wrong with what it wrote itself, and with a token that was signed as it should be.
 */
export function authenticate({
  verify,
  connectionLimits,
  log,
  onRefused,
}: AuthenticateOptions): Parameters<GatewayServer['use']>[0] {
  return async (socket, next) => {
    const refuse = (code: HandshakeErrorCode, reason: string, message?: string) => {
      log.info({ address: socket.handshake.address, reason }, `connection refused: ${code}`);
      onRefused(code);
      next(new HandshakeRefusal(code, message));
    };
    const handshake = handshakeAuthSchema.safeParse(socket.handshake.auth);
    if (!handshake.success) {
      const [issue] = handshake.error.issues;
      const fault = `auth.${issue?.path.join('.')}: ${issue?.message}`;
      refuse('bad_request', fault, fault);
      return;
    }
    const { token = bearerToken(socket), device, cursors } = handshake.data;
    const verified = token === undefined ? noToken : await verify(token);
    // Its end has been told: nothing would give back what is taken now. Socket.IO lets go of what is its own.
    if (socket.conn.readyState !== 'open') {
      next();
      return;
    }
    if (!verified.ok) {
      refuse(verified.code, verified.reason, verified.detail);
      return;
    }
    const { identity } = verified;
    if (connectionLimits.isFullForUser(identity.user)) {
      refuse('too_many_connections', `user ${identity.user}`);
      return;
    }
    holdPlace(socket, connectionLimits.takeForUser(identity.user));
    socket.data.identity = identity;
    socket.data.device = device;
    socket.data.cursors = cursors;
    next();
  };
}

/**
 * Gives the place back when the socket leaves, which may come back on the same connection, or, for one that never came
 * to be connected, when the connection ends.
 */
function holdPlace(socket: GatewaySocket, giveBack: () => void): void {
  let isTaken = true;
  const leave = () => {
    socket.conn.off('close', leave);
    // Both events may be under way at once.
    if (isTaken) giveBack();
    isTaken = false;
  };
  socket.on('disconnect', leave);
  socket.conn.on('close', leave);
}

function bearerToken(socket: GatewaySocket): string | undefined {
  return /^Bearer +(\S+)$/i.exec(socket.handshake.headers.authorization ?? '')?.[1];
}
