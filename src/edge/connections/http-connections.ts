/**
 * Limits the connections of one HTTP server, from their first byte on: how many there may be, which one is closed
 * when the limit is reached, and how a new one is refused.
 *
 * The connection that has been idle for longest is closed first. Otherwise a few hundred idle connections, which cost
 * a client nothing, would keep everybody else out. WebSockets count too, but are never closed for this.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { problem } from '../../contract/problem.ts';
import { type ClientAddresses, countedAs, peerOf } from './client-addresses.ts';
import { lastAnswer } from './refuse-stream.ts';

/** What a connection takes: a place in this process, and one of its address. */
export interface ConnectionPlace {
  readonly node: boolean;
  /** The address as {@link countedAs} returns it; undefined for a proxy, which has many clients. */
  readonly address: string | undefined;
}

export interface ConnectionCounts {
  fullFor(place: ConnectionPlace): 'node' | 'address' | undefined;
  /** The caller MUST give the place back, once, when the connection has ended. */
  take(place: ConnectionPlace): void;
  giveBack(place: ConnectionPlace): void;
}

export interface HttpConnectionsOptions {
  readonly addresses: ClientAddresses;
  readonly counts: ConnectionCounts;
  readonly log: Logger;
  readonly onRefused: (code: 'full_node' | 'full_address') => void;
}

/** A class, to save memory: there are many. It is the connection's place too. */
class Plain implements ConnectionPlace {
  readonly node = true;
  readonly sinceMs = performance.now();
  readonly address: string | undefined;
  /** Requests that are not answered yet. */
  requests = 0;
  /** Whether its place is taken still: it is given back before the connection has ended when another needs it. */
  isHeld = true;

  constructor(address: string | undefined) {
    this.address = address;
  }
}

/**
 * Most refused connections that may wait at once for their answer to be read. Others are closed as soon as it is
 * written.
 */
const MAX_REFUSED = 32;
const REFUSED_MS = 1_000;

/** A new connection's first request may be on its way for so long. */
const FRESH_MS = 1_000;

export class HttpConnections {
  readonly #options: HttpConnectionsOptions;
  /** Connections that are not WebSockets. */
  readonly #plain = new Map<Socket, Plain>();
  /**
   * Idle connections: those without any request yet, and those whose requests are all answered. The oldest come
   * first.
   */
  readonly #fresh = new Set<Socket>();
  readonly #idle = new Set<Socket>();
  #refused = 0;

  constructor(options: HttpConnectionsOptions) {
    this.#options = options;
  }

  /** MUST be called before the server listens, and after everything else that listens to its requests. */
  guard(server: Server): void {
    const listeners = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket) => {
      if (this.#admit(socket)) for (const listener of listeners) Reflect.apply(listener, server, [socket]);
    });
    server.prependListener('request', (request, response) => this.#follow(request, response));
    // Node passes upgrades to their listeners, and nobody else would answer them.
    if (server.listenerCount('upgrade') > 0)
      server.prependListener('upgrade', (_request, stream) => this.#forget(stream));
  }

  /** Clients that have not read an answer yet. */
  *waiters() {
    for (const socket of this.#plain.keys()) {
      const { writableLength: pendingBytes } = socket;
      if (pendingBytes > 0) yield { pendingBytes, cutOff: () => void socket.destroy() };
    }
  }

  #admit(socket: Socket): boolean {
    const { addresses, counts } = this.#options;
    const address = addresses.isProxy(socket) ? undefined : countedAs(peerOf(socket));
    const plain = new Plain(address);
    let full = counts.fullFor(plain);
    if (full !== undefined && this.#makeRoom(full === 'address' ? address : undefined))
      full = counts.fullFor(plain);
    if (full !== undefined) {
      this.#refuse(socket, full);
      return false;
    }
    counts.take(plain);
    this.#plain.set(socket, plain);
    this.#fresh.add(socket);
    socket.on('close', () => {
      this.#forget(socket);
      this.#giveBack(plain);
    });
    return true;
  }

  #giveBack(plain: Plain): void {
    if (plain.isHeld) this.#options.counts.giveBack(plain);
    plain.isHeld = false;
  }

  /** Closes an idle connection. `address`: it must come from there; undefined: from anywhere. */
  #makeRoom(address: string | undefined): boolean {
    const socket = this.#oldest(this.#idle, address, 0) ?? this.#oldest(this.#fresh, address, FRESH_MS);
    if (socket === undefined) return false;
    const plain = this.#plain.get(socket);
    if (plain !== undefined) this.#giveBack(plain);
    this.#forget(socket);
    socket.destroy();
    return true;
  }

  #oldest(sockets: Iterable<Socket>, address: string | undefined, leastMs: number): Socket | undefined {
    const before = performance.now() - leastMs;
    for (const socket of sockets) {
      const plain = this.#plain.get(socket);
      if (plain === undefined || plain.sinceMs > before) return undefined;
      if (address === undefined || plain.address === address) return socket;
    }
    return undefined;
  }

  #refuse(socket: Socket, full: 'node' | 'address'): void {
    const { log, onRefused } = this.#options;
    const code = `full_${full}` as const;
    log.info({ address: peerOf(socket), code }, 'connection refused');
    onRefused(code);
    socket.on('error', () => {
      // The peer has gone, and nobody waits for the answer.
    });
    if (this.#refused >= MAX_REFUSED) {
      socket.end(REFUSALS[full], () => socket.destroy());
      return;
    }
    this.#refused += 1;
    // What it sends must be read; otherwise its system would discard the answer.
    socket.resume();
    const late = setTimeout(() => socket.destroy(), REFUSED_MS).unref();
    socket.on('close', () => {
      this.#refused -= 1;
      clearTimeout(late);
    });
    socket.end(REFUSALS[full]);
  }

  #follow({ socket }: IncomingMessage, response: ServerResponse): void {
    const plain = this.#plain.get(socket);
    if (plain === undefined) return;
    plain.requests += 1;
    this.#fresh.delete(socket);
    this.#idle.delete(socket);
    response.on('close', () => {
      plain.requests -= 1;
      if (plain.requests === 0 && this.#plain.has(socket)) this.#idle.add(socket);
    });
  }

  #forget(stream: Duplex): void {
    if (!(stream instanceof Socket)) return;
    this.#fresh.delete(stream);
    this.#idle.delete(stream);
    this.#plain.delete(stream);
  }
}

const REFUSALS = {
  node: lastAnswer(problem('full_node', 503, 'this process has as many connections as it may')),
  address: lastAnswer(problem('full_address', 429, 'this address has as many connections as it may')),
};
