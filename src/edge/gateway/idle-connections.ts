/**
 * Connections that their last socket has left. Socket.IO waits only for the first socket of a connection: one that
 * its sockets have left would stay open for ever, beyond the token that it came with.
 */
import type { GatewaySocket } from './server.ts';
import type { Connection } from './wire/shared-write.ts';

interface Usage {
  sockets: number;
  end: NodeJS.Timeout | undefined;
}

export class IdleConnections {
  readonly #graceMs: number;
  readonly #usages = new WeakMap<Connection, Usage>();

  /** `graceMs`: how long a connection may wait for its next socket. */
  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** Whether a socket has connected on it. */
  hasFollowed(connection: Connection): boolean {
    return this.#usages.has(connection);
  }

  /** MUST be called for each socket when it has connected. */
  follow(socket: GatewaySocket): void {
    const { conn } = socket;
    const usage = this.#usages.get(conn) ?? { sockets: 0, end: undefined };
    this.#usages.set(conn, usage);
    usage.sockets += 1;
    clearTimeout(usage.end);
    socket.on('disconnect', () => {
      usage.sockets -= 1;
      if (usage.sockets > 0 || conn.readyState !== 'open') return;
      const end = setTimeout(() => conn.close(), this.#graceMs).unref();
      usage.end = end;
      conn.once('close', () => clearTimeout(end));
    });
  }
}
