/** Requests to the server: typed by the contract, no faster than it allows, with codes, and again after an outage. */
import type { InboxQuery, MarkRequest } from '../../contract/inbox.ts';
import type { Cursor } from '../../contract/notification.ts';
import type { ClientToServer, RequestError, RequestName } from '../../contract/socket.ts';
import type { Subscription } from '../../contract/topic-requests.ts';
import { backoffMs } from './backoff.ts';
import type { Environment } from './environment.ts';
import { CarillonError } from './errors.ts';
import { bytesOf, DEFAULT_LIMITS, type Limits } from './limits.ts';
import { Pace } from './pace.ts';

interface Bodies {
  sync: { readonly cursors: Readonly<Record<string, Cursor>>; readonly partial?: true };
  subscribe: Subscription | { readonly topics: readonly Subscription[] };
  unsubscribe: { readonly topic: string } | { readonly topics: readonly string[] };
  inbox: Partial<InboxQuery>;
  mark: MarkRequest;
  publish: {
    readonly topic: string;
    readonly type: string;
    readonly data: { readonly [key: string]: unknown };
    readonly id: string;
  };
  authenticate: { readonly token: string };
}

type Acknowledge<N extends RequestName> = NonNullable<Parameters<ClientToServer[N]>[1]>;
export type AnswerTo<N extends RequestName> = Exclude<Parameters<Acknowledge<N>>[0], RequestError>;

/** What is emitted; rejects when no answer comes. */
export type Send = <N extends keyof Bodies>(name: N, body: Bodies[N]) => Promise<AnswerTo<N> | RequestError>;

/** One that was sent and is not answered. */
interface Batch {
  readonly bytes: number;
  wasTooLarge: boolean;
}

const MAX_PAUSE_MS = 30_000;
export const closed = () => new CarillonError('closed', 'the client is closed');

export class Requests {
  readonly #environment: Environment;
  readonly #send: Send;
  /** The user has asked for more than is allowed, which goes on by itself. */
  readonly #onLimited: (error: CarillonError) => void;
  /** What waits for a session or for a pause to end, and is told why when it waits in vain. */
  readonly #waiting = new Map<() => void, (error: CarillonError) => void>();
  readonly #cancels = new Set<() => void>();
  readonly #batches = new Set<Batch>();
  /** Of the present session. */
  #pace: Pace | undefined;
  #limits = DEFAULT_LIMITS;
  #isLimited = false;
  #isClosed = false;

  constructor(environment: Environment, send: Send, onLimited: (error: CarillonError) => void) {
    this.#environment = environment;
    this.#send = send;
    this.#onLimited = onLimited;
  }

  get isOpen(): boolean {
    return this.#pace !== undefined;
  }

  /** Of the last session. */
  get limits(): Limits {
    return this.#limits;
  }

  /** The session is there. It may be told again, on the same connection. */
  open(limits: Limits = DEFAULT_LIMITS): void {
    this.#limits = limits;
    this.#pace ??= new Pace(this.#environment, limits);
    for (const go of [...this.#waiting.keys()]) go();
  }

  /** The connection is lost; `wasTooLarge`: because of a message of this client's, which MUST NOT be sent again. */
  suspend(wasTooLarge = false): void {
    const [largest] = [...this.#batches].sort((one, other) => other.bytes - one.bytes);
    if (wasTooLarge && largest !== undefined) largest.wasTooLarge = true;
    this.#pace?.end(new Error('the connection is lost'));
    this.#pace = undefined;
  }

  close(): void {
    this.#isClosed = true;
    this.suspend();
    for (const cancel of this.#cancels) cancel();
    for (const reject of [...this.#waiting.values()]) reject(closed());
    this.#waiting.clear();
  }

  /** Once, and only over the present connection. */
  ask<N extends keyof Bodies>(name: N, body: Bodies[N]): Promise<AnswerTo<N>> {
    return this.#ask(name, () => body);
  }

  async #ask<N extends keyof Bodies>(name: N, bodyOf: () => Bodies[N]): Promise<AnswerTo<N>> {
    const answer = await this.#answerTo(name, bodyOf);
    if (isError(answer)) throw this.failure(name, answer);
    this.#isLimited = false;
    return answer;
  }

  /** An answer that is an error, as one. */
  failure(name: string, { error: { code, message, retryAfterMs } }: RequestError): CarillonError {
    const error = new CarillonError(code, `${name}: ${message}`, undefined, retryAfterMs);
    // Once, until something succeeds: many may be refused together.
    if (code === 'rate_limited' && !this.#isLimited) {
      this.#isLimited = true;
      this.#onLimited(error);
    }
    return error;
  }

  /**
   * Until there is an answer: waits for a session, comes again after an outage, and rejects only for what the server
   * would refuse again. `bodyOf` is called for each try when its turn has come, so that it asks for what is right then.
   * MUST be used only for what may be asked twice.
   */
  async askUntilAnswered<N extends keyof Bodies>(name: N, bodyOf: () => Bodies[N]): Promise<AnswerTo<N>> {
    for (let failures = 0; ; failures += 1) {
      await this.opened();
      try {
        return await this.#ask(name, bodyOf);
      } catch (error) {
        if (!isPassing(error)) throw error;
        await this.pauseAfter(error, failures);
      }
    }
  }

  /** Resolves while there is a session. */
  async opened(): Promise<void> {
    if (!this.isOpen) await this.#wait(() => {});
  }

  /** Until it is worth while to ask again after so many failures, or the next session. */
  async pauseAfter(error: CarillonError, failures: number): Promise<void> {
    const delayMs = backoffMs(failures, MAX_PAUSE_MS, this.#environment.random());
    if (this.isOpen) await this.pause(Math.max(delayMs, error.retryAfterMs ?? 0));
  }

  /** Until then, or the next session. */
  pause(delayMs: number): Promise<void> {
    return this.#wait((go) => {
      const cancel = this.#environment.after(delayMs, () => {
        this.#cancels.delete(cancel);
        go();
      });
      this.#cancels.add(cancel);
    });
  }

  async #answerTo<N extends keyof Bodies>(
    name: N,
    bodyOf: () => Bodies[N],
  ): Promise<AnswerTo<N> | RequestError> {
    const pace = await this.#turn(name);
    try {
      if (pace !== this.#pace) throw this.#unanswered(name, new Error('the connection is lost'));
      return await this.#sent(name, bodyOf());
    } finally {
      pace.done();
    }
  }

  /** Resolves when it may be sent. MUST be followed by its `done`. */
  async #turn(name: RequestName): Promise<Pace> {
    const pace = this.#pace;
    try {
      if (pace === undefined) throw new Error('not connected');
      await pace.take(name === 'authenticate');
      return pace;
    } catch (cause) {
      throw this.#unanswered(name, cause);
    }
  }

  async #sent<N extends keyof Bodies>(name: N, body: Bodies[N]): Promise<AnswerTo<N> | RequestError> {
    const { messageMaxBytes } = this.#limits;
    const batch = { bytes: bytesOf([name, body]), wasTooLarge: false };
    if (batch.bytes > messageMaxBytes) {
      throw tooLarge(name, `${batch.bytes} bytes are more than ${messageMaxBytes}`);
    }
    this.#batches.add(batch);
    try {
      return await this.#send(name, body);
    } catch (cause) {
      throw batch.wasTooLarge
        ? tooLarge(name, 'larger than the server takes')
        : this.#unanswered(name, cause);
    } finally {
      this.#batches.delete(batch);
    }
  }

  #unanswered(name: string, cause: unknown): CarillonError {
    return this.#isClosed ? closed() : new CarillonError('no_answer', `${name}: no answer`, cause);
  }

  /** Until `go` is called, or a session begins, whichever is first. */
  #wait(begin: (go: () => void) => void): Promise<void> {
    if (this.#isClosed) return Promise.reject(closed());
    return new Promise((resolve, reject) => {
      const go = () => {
        this.#waiting.delete(go);
        resolve();
      };
      this.#waiting.set(go, reject);
      begin(go);
    });
  }
}

/** Whether the same may succeed later. */
export function isPassing(error: unknown): error is CarillonError {
  return error instanceof CarillonError && /^(no_answer|unavailable|rate_limited)$/.test(error.code);
}

export function isError(answer: object): answer is RequestError {
  return 'error' in answer;
}

function tooLarge(name: string, why: string): CarillonError {
  return new CarillonError('message_too_large', `${name}: ${why}`);
}
