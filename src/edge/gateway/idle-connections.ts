/**
 * Connections that their last socket has left. Socket.IO waits only for the first socket of a connection: one that
 * its sockets have left would stay open for ever, beyond the token that it came with.
 */
import type { GatewaySocket } from './server.ts';
import type { Connection } from './wire/shared-write.ts';

interface Tenancy {
  sockets: number;
  end: NodeJS.Timeout | undefined;
}

export class Vacancies {
  readonly #graceMs: number;
  readonly #tenancies = new WeakMap<Connection, Tenancy>();

  /** `graceMs`: how long a connection may wait for its next socket. */
  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** Whether a socket has connected on it. */
  hasFollowed(connection: Connection): boolean {
    return this.#tenancies.has(connection);
  }

  /** MUST be called for each socket when it has connected. */
  follow(socket: GatewaySocket): void {
    const { conn } = socket;
    const tenancy = this.#tenancies.get(conn) ?? { sockets: 0, end: undefined };
    this.#tenancies.set(conn, tenancy);
    tenancy.sockets += 1;
    clearTimeout(tenancy.end);
    socket.on('disconnect', () => {
      tenancy.sockets -= 1;
      if (tenancy.sockets > 0 || conn.readyState !== 'open') return;
      const end = setTimeout(() => conn.close(), this.#graceMs).unref();
      tenancy.end = end;
      conn.once('close', () => clearTimeout(end));
    });
  }
}
