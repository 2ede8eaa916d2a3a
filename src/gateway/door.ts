/**
 * The door: what is asked of a connection before anybody knows whose it is. From which page and address it comes,
 * whether there is room for it, and how much it sends from its first byte on.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { type ClientAddresses, countedAs } from '../edge/client-addresses.ts';
import type { Place } from '../edge/http-connections.ts';
import { Allowance, type Rate } from './allowance.ts';
import { turnAway } from './goaway.ts';
import type { Seats } from './seats.ts';
import type { Connection } from './wire/shared-write.ts';

export interface DoorOptions {
  readonly allowedOrigins: readonly string[];
  /** Pages from this port of the own host may connect too. Left out: none. */
  readonly consolePort?: number | undefined;
  readonly addresses: ClientAddresses;
  readonly seats: Seats;
  readonly messages: Rate;
  readonly log: Logger;
  readonly onRefused: (code: string) => void;
}

const METHODS = ['GET', 'POST'];

type Decide = (error: string | null | undefined, isAllowed: boolean) => void;

export class Door {
  readonly #options: DoorOptions;
  #isClosed = false;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** Engine.IO asks this for the first request of each connection. */
  readonly allowRequest = (request: IncomingMessage, decide: Decide): void => {
    const { seats, addresses, log, onRefused } = this.#options;
    const address = addresses.of(request);
    const refuse = (code: string, reason: string) => {
      log.info({ address, origin: request.headers.origin, code, reason }, 'connection refused');
      onRefused(code);
      decide(reason, false);
    };
    const full = seats.fullFor(this.#placeOf(request, request.headers.upgrade === undefined));
    if (this.#isClosed) {
      // Engine.IO would answer an upgrade with 400, which a proxy hands on; of a broken connection it tries another node.
      if (request.headers.upgrade !== undefined) request.socket.destroy();
      refuse('shutting_down', 'this node is going down');
    } else if (!this.allowsOrigin(request)) refuse('origin', 'origin not allowed');
    else if (full !== undefined) refuse(`full_${full}`, `too many connections of this ${full}`);
    else decide(null, true);
  };

  /**
   * Whether a page may connect. CORS guards polling but not WebSocket upgrades, so this is asked for both.
   * A request without Origin is not from a page.
   */
  allowsOrigin({ headers: { origin, host } }: Pick<IncomingMessage, 'headers'>): boolean {
    const { allowedOrigins, consolePort } = this.#options;
    if (origin === undefined || allowedOrigins.includes('*') || allowedOrigins.includes(origin)) return true;
    if (!URL.canParse(origin)) return false;
    const page = new URL(origin);
    if (page.host === host) return true;
    const own = `${page.protocol}//${host}`;
    return page.port === String(consolePort) && URL.canParse(own) && new URL(own).hostname === page.hostname;
  }

  /** Engine.IO asks this for each request. By itself it answers 500 when a method is wrong within a session. */
  readonly allowMethod = (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    // Refusals too; an upgrade's answer is not a document that anybody could keep.
    if (request.headers.upgrade === undefined) response.setHeader('cache-control', 'no-store');
    if (METHODS.includes(request.method ?? '')) next();
    else {
      // Not in one chain: of an upgrade Engine.IO gives a response whose methods return nothing.
      response.writeHead(405, { allow: METHODS.join(', ') });
      response.end();
    }
  };

  /** Follows a connection that was let in: its seat, and how much it sends. */
  admit(connection: Connection): void {
    const { seats, addresses, messages } = this.#options;
    const { request } = connection;
    // What Socket.IO tells as the handshake's address.
    Object.assign(connection, { remoteAddress: addresses.of(request) });
    const allowance = new Allowance(messages, Date.now());
    connection.on('packet', () => {
      if (!allowance.take(Date.now())) turnAway(connection, 'rate_limited');
    });
    // As with a socket's 'disconnect', it comes once by itself; `once` would keep 150 bytes a connection to see to it.
    const isPolling = connection.transport.name === 'polling';
    const place = this.#placeOf(request, isPolling);
    if (!isPolling) {
      if (place.address !== undefined) connection.on('close', seats.take(place));
      return;
    }
    let release = seats.take(place);
    connection.on('close', () => release());
    const upgraded = this.#placeOf(request, false);
    connection.once('upgrade', () => {
      release();
      release = seats.take(upgraded);
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Lets nobody in from now on. */
  close(): void {
    this.#isClosed = true;
  }

  /**
   * What a client takes besides the TCP connection that it came on, which was counted when it was opened. One that polls
   * lives on between its requests; and a proxy's connection counts for none of the proxy's clients.
   */
  #placeOf(request: IncomingMessage, isPolling: boolean): Place {
    const { addresses } = this.#options;
    const isCounted = isPolling || addresses.isProxy(request.socket);
    return { node: isPolling, address: isCounted ? countedAs(addresses.of(request)) : undefined };
  }
}
