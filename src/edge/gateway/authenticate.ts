/** The handshake: finds out who connects, and lets nobody in without a valid token. */
import type { Logger } from 'pino';
import { type HandshakeErrorCode, handshakeAuthSchema } from '../../contract/socket.ts';
import { noToken, type Verify } from '../../contract/token.ts';
import type { ConnectionLimits, SharedPlaces } from './connection-limits.ts';
import type { GatewayServer, GatewaySocket } from './server.ts';

/**
 * Refuses a connection. The client gets a `connect_error` whose data holds the code and, if it is safe to say, a
 * message.
 */
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
  /** Undefined when nothing limits a user's connections to all nodes. */
  readonly sharedPlaces: SharedPlaces | undefined;
  readonly log: Logger;
  readonly onRefused: (code: HandshakeErrorCode) => void;
}

/**
 * Middleware that puts the identity on the socket, or refuses the handshake. The log gets the full reason. The client
 * learns only what is wrong with its own input, or with a token whose signature is valid.
 */
export function authenticate({
  verify,
  connectionLimits,
  sharedPlaces,
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
    // The connection has already closed, so nothing would give a place back that is taken now. Socket.IO cleans up
    // after itself.
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
    const giveBack = holdPlace(socket, connectionLimits.takeForUser(identity.user));
    if (sharedPlaces !== undefined && !(await takeSharedPlace(socket, sharedPlaces, identity.user))) {
      giveBack();
      refuse('too_many_connections', `user ${identity.user}, on all nodes`);
      return;
    }
    socket.data.identity = identity;
    socket.data.device = device;
    socket.data.cursors = cursors;
    next();
  };
}

/**
 * Gives the user's place back when the socket disconnects; the client may open another socket on the same connection.
 * If the socket never connected, the place is given back when the connection closes, or by calling what this returns.
 */
function holdPlace(socket: GatewaySocket, giveBack: () => void): () => void {
  let isTaken = true;
  const leave = () => {
    socket.conn.off('close', leave);
    // Both events may fire, so the place is given back only once.
    if (isTaken) giveBack();
    isTaken = false;
  };
  socket.on('disconnect', leave);
  socket.conn.on('close', leave);
  return leave;
}

/** Resolves with whether there is room. A connection that has closed meanwhile keeps no place. */
async function takeSharedPlace(socket: GatewaySocket, places: SharedPlaces, user: string): Promise<boolean> {
  if (!(await places.begin(user, socket.id))) return false;
  const end = holdPlace(socket, () => places.end(user, socket.id));
  if (socket.conn.readyState !== 'open') end();
  return true;
}

function bearerToken(socket: GatewaySocket): string | undefined {
  return /^Bearer +(\S+)$/i.exec(socket.handshake.headers.authorization ?? '')?.[1];
}
