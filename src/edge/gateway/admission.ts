/**
 * Admission: what a connection must pass before its user is known. It checks the page and the address that the
 * connection comes from, whether there is room for it, and how much it sends from its first byte on.
 */
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { type Problem, problem } from '../../contract/problem.ts';
import type { GoawayCode } from '../../contract/socket.ts';
import { type ClientAddresses, countedAs } from '../connections/client-addresses.ts';
import type { ConnectionPlace } from '../connections/http-connections.ts';
import { refuseRequest, refuseStream } from '../connections/refuse-stream.ts';
import { Allowance, type Rate } from '../limits/token-bucket.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import { recordOf } from './connection-record.ts';
import { codeOf, sayGoaway, turnAway } from './goaway.ts';
import { handshakeFault, pollingFault, queryOf } from './handshake-fault.ts';
import { isSentWithoutOrigin, PollingSessions } from './polling-sessions.ts';
import { type Connection, postMaxBytes, whenTooLarge } from './wire/shared-write.ts';

export interface AdmissionOptions {
  readonly allowedOrigins: readonly string[];
  /** Pages that this host serves on this port may connect too. Undefined: none. */
  readonly consolePort?: number | undefined;
  readonly addresses: ClientAddresses;
  readonly connectionLimits: ConnectionLimits;
  readonly messages: Rate;
  readonly log: Logger;
  readonly onRefused: (code: string) => void;
}

const METHODS = ['GET', 'POST'];

const TOO_LARGE = 413;

/** Headers that an answer with this status has. */
const HEADERS: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  405: { allow: METHODS.join(', ') },
  426: { upgrade: 'websocket', 'sec-websocket-version': '13' },
};

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #polling = new PollingSessions();
  #isClosed = false;

  /** All connections share this listener: Engine.IO calls it with the connection as `this`. */
  readonly #countPacket: (this: Connection) => void;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    const rateLimited = (connection: Connection) => this.#sendAway(connection, 'rate_limited', turnAway);
    this.#countPacket = function (this: Connection) {
      if (recordOf(this).allowance?.take(Date.now()) === false) rateLimited(this);
    };
  }

  /**
   * Engine.IO's middleware, which runs for each request. It gives every refusal a written answer; Engine.IO itself
   * does not always answer an upgrade that it refuses.
   * @param hasSession whether Engine.IO has a session with this id
   * @param connectionOf the connection of that session
   */
  guard(hasSession: (id: string) => boolean, connectionOf: (id: string) => Connection | undefined) {
    return (request: IncomingMessage, response: unknown, next: () => void): void => {
      // For an upgrade, Engine.IO passes an object that only looks like a response.
      const isUpgrade = !(response instanceof ServerResponse);
      // Refusals get the header too. Nobody caches the answer to an upgrade.
      if (!isUpgrade) response.setHeader('cache-control', 'no-store');
      const refusal = this.#refusalOf(request, isUpgrade, hasSession);
      if (refusal === undefined) {
        if (request.method === 'POST' && !isUpgrade) {
          const { sid = '' } = queryOf(request);
          if (this.#endsTooLarge(request, response, connectionOf(sid))) return;
        }
        next();
        return;
      }
      const { addresses, log, onRefused } = this.#options;
      const { code, detail, status } = refusal;
      const { origin } = request.headers;
      log.info({ address: addresses.of(request), origin, code, reason: detail }, 'connection refused');
      onRefused(code);
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
    if (Object.hasOwn(query, 'j'))
      return problem('jsonp', 400, 'poll with XMLHttpRequest or fetch, without "j"');
    // This check comes first, so that a page of another origin gets the same answer whatever else is wrong.
    if (!this.allowsOrigin(request)) return problem('origin', 403, 'origin not allowed');
    const fault = isUpgrade ? handshakeFault(request, query) : pollingFault(request, query);
    if (fault !== undefined) return fault;
    const { sid } = query;
    if (sid === undefined || sid === '') return this.#refusalOfNew(request, isUpgrade);
    if (hasSession(sid)) return this.#polling.refusalOf(sid, request.headers.origin);
    // Another node may have the session. A proxy finds that node if this one says that it is shutting down.
    if (this.#isClosed) return this.#refusalOfNew(request, isUpgrade);
    return problem('unknown_session', 400, 'the session is not known to this node');
  }

  #refusalOfNew(request: IncomingMessage, isUpgrade: boolean): Problem | undefined {
    if (this.#isClosed) return problem('shutting_down', 503, 'this node is going down');
    const full = this.#options.connectionLimits.fullFor(this.#placeOf(request, !isUpgrade));
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

  /**
   * Whether a polling client posts more than it may; if so, the request is answered here. Engine.IO would send no
   * answer and keep the session until it times out.
   */
  #endsTooLarge(
    request: IncomingMessage,
    response: ServerResponse,
    connection: Connection | undefined,
  ): boolean {
    if (connection === undefined) return false;
    const maxBytes = postMaxBytes(connection);
    const length = request.headers['content-length'];
    if (length === undefined) {
      // The size is known only once Engine.IO has read the body.
      response.once('finish', () => {
        if (response.statusCode === TOO_LARGE) this.#sendAway(connection, 'message_too_large', turnAway);
      });
      return false;
    }
    if (Number(length) <= maxBytes) return false;
    // This comes first, so that the goaway usually reaches the client before the answer after which it stops
    // listening.
    this.#sendAway(connection, 'message_too_large', turnAway);
    refuseRequest(response, problem('message_too_large', TOO_LARGE, `at most ${maxBytes} bytes`));
    return true;
  }

  /**
   * Sends the client away because of what it sent. Before it has a session, no observer reports its end, so it is
   * logged and counted here.
   */
  #sendAway(
    connection: Connection,
    code: 'rate_limited' | 'message_too_large',
    say: (connection: Connection, code: GoawayCode) => void,
  ): void {
    if (codeOf(connection) !== undefined) return;
    const { log, onRefused } = this.#options;
    if (!recordOf(connection).hasBegun) {
      log.info({ address: Reflect.get(connection, 'remoteAddress'), code }, 'connection refused');
      onRefused(code);
    }
    say(connection, code);
  }

  /** Takes the places of a connection that was let in, and limits how much it sends. */
  admit(connection: Connection): void {
    const { addresses, messages } = this.#options;
    const { request } = connection;
    // Socket.IO reports this as the handshake's address.
    Object.assign(connection, { remoteAddress: addresses.of(request) });
    this.#polling.follow(connection);
    recordOf(connection).allowance = new Allowance(messages, Date.now());
    connection.on('packet', this.#countPacket);
    this.#watchSize(connection);
    if (connection.transport.name === 'polling') this.#placePolling(connection);
    else this.#hold(connection, this.#placeOf(request, false));
  }

  #watchSize(connection: Connection): void {
    whenTooLarge(connection, () => this.#sendAway(connection, 'message_too_large', sayGoaway));
  }

  /** Takes a place until the connection closes, if it needs one. */
  #hold(connection: Connection, place: ConnectionPlace): void {
    if (place.address === undefined) return;
    const { connectionLimits } = this.#options;
    connectionLimits.take(place);
    // It fires only once. `once` would cost 150 bytes a connection to make sure of it.
    connection.on('close', () => connectionLimits.giveBack(place));
  }

  #placePolling(connection: Connection): void {
    const { connectionLimits } = this.#options;
    const { request } = connection;
    const upgraded = this.#placeOf(request, false);
    let place = this.#placeOf(request, true);
    connectionLimits.take(place);
    connection.on('close', () => connectionLimits.giveBack(place));
    connection.once('upgrade', () => {
      connectionLimits.giveBack(place);
      place = upgraded;
      connectionLimits.take(place);
      this.#watchSize(connection);
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Refuses every new connection from now on. */
  close(): void {
    this.#isClosed = true;
  }

  /**
   * The places that a client takes in addition to its TCP connection, which was counted when it was opened. A polling
   * client lives on between its requests, and a proxy's connection is not counted for any of the proxy's clients.
   */
  #placeOf(request: IncomingMessage, isPolling: boolean): ConnectionPlace {
    const { addresses } = this.#options;
    const isCounted = isPolling || addresses.isProxy(request.socket);
    return { node: isPolling, address: isCounted ? countedAs(addresses.of(request)) : undefined };
  }
}
