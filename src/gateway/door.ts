/**
 * The door: what is asked of a connection before anybody knows whose it is. From which page and address it comes,
 * whether there is room for it, and how much it sends from its first byte on.
 */
import { type IncomingMessage, ServerResponse } from 'node:http';
import proxyAddr from '@fastify/proxy-addr';
import type { Logger } from 'pino';
import { type Problem, problem } from '../contract/problem.ts';
import { refuseRequest, refuseStream } from '../http/refuse-stream.ts';
import { Allowance, type Rate } from './allowance.ts';
import { turnAway } from './goaway.ts';
import { handshakeFault, queryOf } from './handshake-fault.ts';
import { isSentWithoutOrigin, PollingSessions } from './polling-sessions.ts';
import type { Seats } from './seats.ts';
import type { Connection } from './wire/shared-write.ts';

export interface DoorOptions {
  readonly allowedOrigins: readonly string[];
  /** Pages from this port of the own host may connect too. Left out: none. */
  readonly consolePort?: number | undefined;
  /** Addresses, or blocks of them, of the proxies whose `X-Forwarded-For` counts. */
  readonly trustedProxies: readonly string[];
  readonly seats: Seats;
  readonly messages: Rate;
  readonly log: Logger;
  readonly onRefused: (code: string) => void;
}

const METHODS = ['GET', 'POST'];

/** What goes with a status. */
const HEADERS: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  405: { allow: METHODS.join(', ') },
  426: { upgrade: 'websocket', 'sec-websocket-version': '13' },
};

export class Door {
  readonly #options: DoorOptions;
  readonly #isTrusted: ReturnType<typeof proxyAddr.compile>;
  readonly #polling = new PollingSessions();
  #isClosed = false;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#isTrusted = proxyAddr.compile([...options.trustedProxies]);
  }

  /**
   * Engine.IO's middleware, asked for each request. What is refused here gets a written answer; what Engine.IO refuses
   * of an upgrade does not always.
   * @param hasSession whether Engine.IO has a session of this id
   */
  guard(hasSession: (id: string) => boolean) {
    return (request: IncomingMessage, response: unknown, next: () => void): void => {
      // Of an upgrade Engine.IO gives something else that only looks like a response.
      const isUpgrade = !(response instanceof ServerResponse);
      const refusal = this.#refusalOf(request, isUpgrade, hasSession);
      if (refusal === undefined) {
        next();
        return;
      }
      const { code, detail, status } = refusal;
      const { origin } = request.headers;
      this.#options.log.info(
        { address: this.#addressOf(request), origin, code, reason: detail },
        'connection refused',
      );
      this.#options.onRefused(code);
      const more = HEADERS[status];
      if (isUpgrade) refuseStream(request.socket, refusal, more);
      else refuseRequest(response, refusal, more);
    };
  }

  #refusalOf(
    request: IncomingMessage,
    isUpgrade: boolean,
    hasSession: (id: string) => boolean,
  ): Problem | undefined {
    if (!METHODS.includes(request.method ?? '')) {
      return problem('method_not_allowed', 405, 'Socket.IO is asked with GET and POST');
    }
    const query = queryOf(request);
    const fault = isUpgrade ? handshakeFault(request, query) : undefined;
    if (fault !== undefined) return fault;
    if (Object.hasOwn(query, 'j'))
      return problem('jsonp', 400, 'poll with XMLHttpRequest or fetch, without "j"');
    const { sid } = query;
    if (sid === undefined || sid === '') return this.#refusalOfNew(request);
    if (hasSession(sid)) return this.#refusalOfKnown(request, sid, isUpgrade);
    // It may be a session of another node, which a proxy finds if this one says that it is going.
    if (this.#isClosed) return this.#refusalOfNew(request);
    // Over polling Engine.IO says so in its own words, which its clients know.
    return isUpgrade ? problem('unknown_session', 400, 'the session is not known to this node') : undefined;
  }

  #refusalOfKnown(request: IncomingMessage, sid: string, isUpgrade: boolean): Problem | undefined {
    if (!this.allowsOrigin(request)) return problem('origin', 403, 'origin not allowed');
    return this.#polling.refusalOf(sid, request.headers.origin, isUpgrade);
  }

  #refusalOfNew(request: IncomingMessage): Problem | undefined {
    if (this.#isClosed) return problem('shutting_down', 503, 'this node is going down');
    if (!this.allowsOrigin(request)) return problem('origin', 403, 'origin not allowed');
    const full = this.#options.seats.fullFor(this.#addressOf(request));
    if (full === undefined) return undefined;
    const status = full === 'node' ? 503 : 429;
    return problem(`full_${full}`, status, `too many connections of this ${full}`);
  }

  /**
   * Whether a page may connect. CORS guards polling but not WebSocket upgrades, so this is asked for both.
   */
  allowsOrigin({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
    const { allowedOrigins, consolePort } = this.#options;
    const { origin, host } = headers;
    if (allowedOrigins.includes('*')) return true;
    if (origin === undefined) return !isSentWithoutOrigin(headers);
    if (allowedOrigins.includes(origin)) return true;
    if (!URL.canParse(origin)) return false;
    const page = new URL(origin);
    if (page.host === host) return true;
    const own = `${page.protocol}//${host}`;
    return page.port === String(consolePort) && URL.canParse(own) && new URL(own).hostname === page.hostname;
  }

  /** Follows a connection that was let in: its seat, and how much it sends. */
  admit(connection: Connection): void {
    const { seats, messages } = this.#options;
    const address = this.#addressOf(connection.request);
    // What Socket.IO tells as the handshake's address.
    Object.assign(connection, { remoteAddress: address });
    this.#polling.follow(connection);
    const allowance = new Allowance(messages, Date.now());
    connection.on('packet', () => {
      if (!allowance.take(Date.now())) turnAway(connection, 'rate_limited');
    });
    // As with a socket's 'disconnect', it comes once by itself; `once` would keep 150 bytes a connection to see to it.
    connection.on('close', seats.take(address));
  }

  /** Lets nobody in from now on. */
  close(): void {
    this.#isClosed = true;
  }

  #addressOf(request: IncomingMessage): string {
    return proxyAddr(request, this.#isTrusted);
  }
}
