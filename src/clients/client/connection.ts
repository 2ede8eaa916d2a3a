/**
 * The connection: a token for each attempt, and when to try again after whatever ended the last one.
 *
 * Socket.IO's own reconnection stays off. It neither tells when it tries next nor tries at all after the server has
 * closed, and two ways of coming back would meet each other.
 */
import { io, type Socket } from 'socket.io-client';
import type { Goaway, GoawayCode, HandshakeErrorCode, ServerToClient } from '../../contract/socket.ts';
import { addressOf } from './address.ts';
import { backoffMs } from './backoff.ts';
import type { Environment } from './environment.ts';
import { CarillonError } from './errors.ts';
import type { Send } from './requests.ts';

/** Why there is no connection. */
export type LossReason = GoawayCode | HandshakeErrorCode | 'token_failed' | 'connection_lost';

export type ConnectionState =
  | { readonly status: 'connecting' }
  | { readonly status: 'connected' }
  /** `retryAt`: in milliseconds since 1970. */
  | { readonly status: 'waiting'; readonly retryAt: number; readonly reason: LossReason }
  /** `invalid_url`: in React, where there is no client then. */
  | { readonly status: 'closed'; readonly reason: GoawayCode | 'invalid_url' | 'closed' };

export interface ConnectionOptions {
  readonly url: string;
  readonly environment: Environment;
  /** What goes into the handshake; asked for every attempt. Rejects when there is no token. */
  readonly auth: () => Promise<{ readonly [key: string]: unknown }>;
  readonly onState: (state: ConnectionState) => void;
  readonly onError: (error: unknown) => void;
}

const ANSWER_TIMEOUT_MS = 10_000;
const MAX_PAUSE_MS = 30_000;
const MAX_REFUSED_PAUSE_MS = 60_000;
/** So many refusals in a row are more than a token that ended on its way. */
const REFUSALS_UNTIL_ERROR = 5;
/** A session that ended sooner may end so again: it does not make the pauses short. */
const LASTING_MS = 10_000;
/** Clients that are told the same moment do not come at the same. */
const GOAWAY_SPREAD_MS = 1_000;

export class Connection {
  readonly socket: Socket<ServerToClient>;
  /** Sends a request over the present connection. */
  readonly send: Send;
  readonly #options: ConnectionOptions;
  #state: ConnectionState = { status: 'connecting' };
  /** Since a session lasted. */
  #failures = 0;
  /** Undefined before there is one. */
  #sessionSinceMs: number | undefined;
  /** A try is on its way to the server. */
  #isOpening = false;
  readonly #stopWaking: () => void;
  /** Of tokens, in a row. */
  #refusals = 0;
  #cancelWait = () => {};

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { environment } = options;
    const { server, path } = addressOf(options.url, environment.page);
    const socket: Socket = io(server, {
      path,
      autoConnect: false,
      forceNew: true,
      reconnection: false,
      // A WebSocket needs no gateway that remembers it; polling is for networks that let nothing else through.
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
    });
    this.socket = socket;
    this.send = (name, body) => socket.timeout(ANSWER_TIMEOUT_MS).emitWithAck(name, body);
    this.socket.on('session', () => {
      this.#refusals = 0;
      this.#isOpening = false;
      this.#sessionSinceMs ??= environment.now();
      // It comes again when the user's departments change.
      if (this.#state.status !== 'connected') this.#become({ status: 'connected' });
    });
    this.socket.on('goaway', (goaway) => this.#sentAway(goaway));
    this.socket.on('disconnect', (_reason, details) =>
      this.#lose(saysTooLarge(details) ? 'message_too_large' : 'connection_lost'),
    );
    this.socket.on('connect_error', (error) => {
      this.#lose(lossReasonOf(error));
    });
    this.#stopWaking = environment.onWake((isOnline) => this.#wake(isOnline));
    void this.#attempt();
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** For good. */
  close(reason: GoawayCode | 'closed' = 'closed'): void {
    if (this.#state.status === 'closed') return;
    this.#cancelWait();
    this.#stopWaking();
    this.socket.off();
    this.socket.disconnect();
    this.#become({ status: 'closed', reason });
  }

  async #attempt(): Promise<void> {
    try {
      const auth = await this.#options.auth();
      if (this.#state.status !== 'connecting') return;
      this.socket.auth = auth;
      this.#isOpening = true;
      this.socket.connect();
    } catch (error) {
      if (this.#state.status !== 'connecting') return;
      this.#options.onError(error);
      this.#lose('token_failed');
    }
  }

  #sentAway({ code, reconnect, retryAfterMs }: Goaway): void {
    if (!reconnect) {
      this.close(code);
      return;
    }
    this.#again(code, retryAfterMs + this.#options.environment.random() * GOAWAY_SPREAD_MS);
  }

  #lose(reason: LossReason): void {
    // One loss may be told twice, as an error and as the end.
    if (this.#state.status === 'waiting' || this.#state.status === 'closed') return;
    this.#again(reason);
  }

  /** `toldMs`: when the server said to come again. Who is sent away again and again waits longer. */
  #again(reason: LossReason, toldMs?: number): void {
    const { environment, onError } = this.#options;
    const { now, random } = environment;
    if (now() - (this.#sessionSinceMs ?? now()) >= LASTING_MS) this.#failures = 0;
    this.#sessionSinceMs = undefined;
    this.#isOpening = false;
    const maxMs = reason === 'unauthorized' ? MAX_REFUSED_PAUSE_MS : MAX_PAUSE_MS;
    // The first time the server's word is enough.
    const growingMs =
      toldMs !== undefined && this.#failures === 0 ? 0 : backoffMs(this.#failures, maxMs, random());
    this.#failures += 1;
    this.#refusals = reason === 'unauthorized' ? this.#refusals + 1 : 0;
    this.#wait(Math.max(toldMs ?? 0, growingMs), reason);
    if (this.#refusals >= REFUSALS_UNTIL_ERROR) {
      onError(new CarillonError('unauthorized', `the token was refused ${this.#refusals} times in a row`));
    }
    const limit = limitIn(reason);
    if (limit !== undefined) onError(limit);
  }

  #wait(delayMs: number, reason: LossReason): void {
    const { environment } = this.#options;
    this.#become({ status: 'waiting', retryAt: environment.now() + delayMs, reason });
    // A listener of the state may have closed it.
    if (this.#state.status !== 'waiting') return;
    this.socket.disconnect();
    this.#cancelWait = environment.after(delayMs, () => this.#retry());
  }

  #retry(): void {
    this.#cancelWait();
    this.#become({ status: 'connecting' });
    if (this.#state.status === 'connecting') void this.#attempt();
  }

  /** What waits for the network alone need not wait any longer; what the server has asked for stays. */
  #wake(isOnline: boolean): void {
    const state = this.#state;
    if (state.status === 'waiting' && /^(connection_lost|token_failed)$/.test(state.reason)) {
      if (isOnline) this.#failures = 0;
      this.#retry();
    } else if (isOnline && this.#isOpening) {
      // A try that began without a network may end by its time-out only.
      this.#isOpening = false;
      this.socket.disconnect();
      void this.#attempt();
    }
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    this.#options.onState(state);
  }
}

const REFUSALS = ['unauthorized', 'unavailable', 'too_many_connections', 'bad_request'] as const;

function lossReasonOf(error: Error & { readonly data?: { readonly code?: unknown } }): LossReason {
  return REFUSALS.find((code) => code === error.data?.code) ?? 'connection_lost';
}

/** Of the end of a connection: a WebSocket says it with a code, a request that polls with a status. */
function saysTooLarge(details: unknown): boolean {
  const at = (value: unknown, key: string): unknown =>
    typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  return at(details, 'description') === 413 || at(at(details, 'context'), 'code') === 1009;
}

/** What the app does too much of. It is tried again by itself, and nobody but the app can change it. */
function limitIn(reason: LossReason): CarillonError | undefined {
  switch (reason) {
    case 'rate_limited':
      return new CarillonError(reason, 'more messages were sent than the server allows');
    case 'message_too_large':
      return new CarillonError(reason, 'a message was larger than the server takes');
    case 'slow_consumer':
      return new CarillonError(reason, 'this client did not take what it was sent');
    case 'too_many_connections':
      return new CarillonError(reason, 'the user has as many connections as the server allows');
    case 'bad_request':
      return new CarillonError(reason, 'the server does not take what the connection begins with');
    default:
      return undefined;
  }
}
