/**
 * A TCP proxy on loopback between a program and a server. It can cut connections, slow them down or pass nothing,
 * separately for each direction.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { freePort } from './ports.ts';

/** From the program to the server, from the server to the program, or both. */
export type Direction = 'toServer' | 'toClient' | 'both';

export interface TcpProxy {
  readonly port: number;
  /** Resets the open connections, and loses the bytes on their way. The proxy still accepts new connections. */
  cut(): void;
  /** From now on, bytes take this much longer. */
  delay(delayMs: number, direction?: Direction): void;
  /**
   * From now on, this many bytes pass per second, over all connections together. There is no limit for the bytes that
   * wait.
   */
  limit(bytesPerSecond: number, direction?: Direction): void;
  /** The number of bytes that have arrived from one side so far. */
  bytes(direction: Exclude<Direction, 'both'>): number;
  /** Passes nothing any more, not even the end of a connection. New connections open, but nothing answers. */
  blackHole(direction?: Direction): void;
  /** Leads new connections to another server. Open ones stay as they are. */
  moveTo(serverPort: number): void;
  /** Passes everything at once again, beginning with the bytes that were held. */
  heal(): void;
  /** Closes the proxy with all of its connections. The caller that started it MUST call this. */
  close(): Promise<void>;
}

export async function startTcpProxy(serverPort: number): Promise<TcpProxy> {
  let target = serverPort;
  const links = { toServer: new OneWayLink(), toClient: new OneWayLink() };
  const sockets = new Set<Socket>();
  const appendQueueOf = (direction: Direction) =>
    direction === 'both' ? [links.toServer, links.toClient] : [links[direction]];
  const cut = () => {
    for (const link of Object.values(links)) link.drop();
    for (const socket of sockets) socket.resetAndDestroy();
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ host: '127.0.0.1', port: target, allowHalfOpen: true, noDelay: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => sockets.delete(socket));
    }
    join(client, upstream, links.toServer);
    join(upstream, client, links.toClient);
  });
  const port = await freePort();
  await once(server.listen(port, '127.0.0.1'), 'listening');

  return {
    port,
    cut,
    moveTo: (next) => {
      target = next;
    },
    delay: (delayMs, direction = 'both') => {
      for (const link of appendQueueOf(direction)) link.delayMs = delayMs;
    },
    limit: (bytesPerSecond, direction = 'both') => {
      for (const link of appendQueueOf(direction)) link.bytesPerSecond = bytesPerSecond;
    },
    bytes: (direction) => links[direction].bytes,
    blackHole: (direction = 'both') => {
      for (const link of appendQueueOf(direction)) link.hold();
    },
    heal: () => {
      for (const link of Object.values(links)) link.heal();
    },
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

function join(from: Socket, to: Socket, link: OneWayLink): void {
  from.on('data', (bytes) => link.add(() => to.write(bytes), bytes.length));
  from.once('end', () => link.add(() => to.end()));
  from.once('close', (hadError) => link.add(() => hadError && to.resetAndDestroy()));
}

/** One direction of all connections: bytes and ends that wait to pass, in order of arrival. */
class OneWayLink {
  delayMs = 0;
  bytesPerSecond = Number.POSITIVE_INFINITY;
  bytes = 0;
  /** When everything before has passed, at the speed set at the time. */
  #freeAtMs = 0;
  #isHeld = false;
  #timer: NodeJS.Timeout | undefined;
  #waiting: { readonly dueMs: number; readonly pass: () => void }[] = [];

  add(pass: () => void, bytes = 0): void {
    const nowMs = performance.now();
    this.bytes += bytes;
    this.#freeAtMs = Math.max(nowMs, this.#freeAtMs) + (bytes * 1_000) / this.bytesPerSecond;
    // Never earlier than the ones before it, even if the delay was shortened in the meantime.
    const dueMs = Math.max(this.#freeAtMs + this.delayMs, this.#waiting.at(-1)?.dueMs ?? 0);
    this.#waiting.push({ dueMs, pass });
    this.#passWhatIsDue();
  }

  hold(): void {
    this.#isHeld = true;
    clearTimeout(this.#timer);
  }

  drop(): void {
    this.#waiting = [];
    this.#freeAtMs = 0;
  }

  heal(): void {
    this.#isHeld = false;
    this.delayMs = 0;
    this.bytesPerSecond = Number.POSITIVE_INFINITY;
    this.#freeAtMs = 0;
    clearTimeout(this.#timer);
    for (const { pass } of this.#waiting.splice(0)) pass();
  }

  #passWhatIsDue(): void {
    if (this.#isHeld) return;
    clearTimeout(this.#timer);
    const nowMs = performance.now();
    const count = this.#waiting.findIndex(({ dueMs }) => dueMs > nowMs);
    for (const { pass } of this.#waiting.splice(0, count < 0 ? this.#waiting.length : count)) pass();
    const [next] = this.#waiting;
    if (next !== undefined) {
      this.#timer = setTimeout(() => this.#passWhatIsDue(), Math.ceil(next.dueMs - nowMs));
    }
  }
}
