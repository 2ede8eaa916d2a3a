/**
 * The connection: a token for each attempt, and when to try again after whatever ended the last one.
 *
 * Socket.IO's own reconnection stays off. It neither tells when it tries next nor tries at all after the server has
 * closed, and two ways of coming back would meet each other.
 */
import { io, type Socket } from 'socket.io-client';
import type { Goaway, GoawayCode, ServerToClient } from '../contract/socket.ts';
import { backoffMs } from './backoff.ts';
import type { Environment } from './environment.ts';
import { CarillonError } from './errors.ts';
import type { Send } from './requests.ts';

/** Why there is no connection. */
export type LossReason = GoawayCode | 'unauthorized' | 'token_failed' | 'connection_lost';

export type ConnectionState =
  | { readonly status: 'connecting' }
  | { readonly status: 'connected' }
  /** `retryAt`: in milliseconds since 1970. */
  | { readonly status: 'waiting'; readonly retryAt: number; readonly reason: LossReason }
  | { readonly status: 'closed'; readonly reason: GoawayCode | 'closed' };

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
/** Clients that are told the same moment do not come at the same. */
const GOAWAY_SPREAD_MS = 1_000;

export class Connection {
  readonly socket: Socket<ServerToClient>;
  /** Sends a request over the present connection. */
  readonly send: Send;
  readonly #options: ConnectionOptions;
  #state: ConnectionState = { status: 'connecting' };
  #failures = 0;
  /** Of tokens, in a row. */
  #refusals = 0;
  #cancelWait = () => {};

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const socket: Socket = io(options.url, {
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
      this.#failures = 0;
      this.#refusals = 0;
      // It comes again when the user's departments change.
      if (this.#state.status !== 'connected') this.#become({ status: 'connected' });
    });
    this.socket.on('goaway', (goaway) => this.#sentAway(goaway));
    this.socket.on('disconnect', () => this.#lose('connection_lost'));
    this.socket.on('connect_error', (error) => {
      this.#lose(reasonOf(error));
    });
    void this.#attempt();
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** For good. */
  close(reason: GoawayCode | 'closed' = 'closed'): void {
    if (this.#state.status === 'closed') return;
    this.#cancelWait();
    this.socket.off();
    this.socket.disconnect();
    this.#become({ status: 'closed', reason });
  }

  async #attempt(): Promise<void> {
    try {
      const auth = await this.#options.auth();
      if (this.#state.status !== 'connecting') return;
      this.socket.auth = auth;
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
    this.#wait(retryAfterMs + this.#options.environment.random() * GOAWAY_SPREAD_MS, code);
  }

  #lose(reason: LossReason): void {
    const { environment, onError } = this.#options;
    // One loss may be told twice, as an error and as the end.
    if (this.#state.status === 'waiting' || this.#state.status === 'closed') return;
    const maxMs = reason === 'unauthorized' ? MAX_REFUSED_PAUSE_MS : MAX_PAUSE_MS;
    const delayMs = backoffMs(this.#failures, maxMs, environment.random());
    this.#failures += 1;
    this.#refusals = reason === 'unauthorized' ? this.#refusals + 1 : 0;
    this.#wait(delayMs, reason);
    if (this.#refusals >= REFUSALS_UNTIL_ERROR) {
      onError(new CarillonError('unauthorized', `the token was refused ${this.#refusals} times in a row`));
    }
  }

  #wait(delayMs: number, reason: LossReason): void {
    const { environment } = this.#options;
    this.#become({ status: 'waiting', retryAt: environment.now() + delayMs, reason });
    // A listener of the state may have closed it.
    if (this.#state.status !== 'waiting') return;
    this.socket.disconnect();
    this.#cancelWait = environment.after(delayMs, () => {
      this.#become({ status: 'connecting' });
      if (this.#state.status === 'connecting') void this.#attempt();
    });
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    this.#options.onState(state);
  }
}

function reasonOf(error: Error & { readonly data?: { readonly code?: unknown } }): LossReason {
  const code = error.data?.code;
  return code === 'unauthorized' || code === 'unavailable' ? code : 'connection_lost';
}
