/** Requests to the server: typed by the contract, with codes for what goes wrong, and again after an outage. */
import type { InboxQuery, MarkRequest } from '../contract/inbox.ts';
import type { Cursor } from '../contract/notification.ts';
import type { ClientToServer, RequestError, RequestName } from '../contract/socket.ts';
import { backoffMs } from './backoff.ts';
import type { Environment } from './environment.ts';
import { CarillonError } from './errors.ts';

interface Bodies {
  sync: { readonly cursors: Readonly<Record<string, Cursor>>; readonly partial?: true };
  subscribe: { readonly topic: string; readonly cursor?: Cursor; readonly last?: number };
  unsubscribe: { readonly topic: string };
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

const MAX_PAUSE_MS = 30_000;
export const closed = () => new CarillonError('closed', 'the client is closed');

export class Requests {
  readonly #environment: Environment;
  readonly #send: Send;
  /** What waits for a session or for a pause to end, and is told why when it waits in vain. */
  readonly #waiting = new Map<() => void, (error: CarillonError) => void>();
  readonly #cancels = new Set<() => void>();
  #isOpen = false;
  #isClosed = false;

  constructor(environment: Environment, send: Send) {
    this.#environment = environment;
    this.#send = send;
  }

  /** The session is there. */
  open(): void {
    this.#isOpen = true;
    for (const go of [...this.#waiting.keys()]) go();
  }

  /** The connection is lost. */
  suspend(): void {
    this.#isOpen = false;
  }

  close(): void {
    this.suspend();
    this.#isClosed = true;
    for (const cancel of this.#cancels) cancel();
    for (const reject of [...this.#waiting.values()]) reject(closed());
    this.#waiting.clear();
  }

  /** Once, and only over the present connection. */
  async ask<N extends keyof Bodies>(name: N, body: Bodies[N]): Promise<AnswerTo<N>> {
    let answer: AnswerTo<N> | RequestError;
    try {
      if (!this.#isOpen) throw new Error('not connected');
      answer = await this.#send(name, body);
    } catch (cause) {
      throw this.#isClosed ? closed() : new CarillonError('no_answer', `${name}: no answer`, cause);
    }
    if (isError(answer)) throw new CarillonError(answer.error.code, `${name}: ${answer.error.message}`);
    return answer;
  }

  /**
   * Until there is an answer: waits for a session, comes again after an outage, and rejects only for what the server
   * would refuse again. `bodyOf` is called for each try. MUST be used only for what may be asked twice.
   */
  async askUntilAnswered<N extends keyof Bodies>(name: N, bodyOf: () => Bodies[N]): Promise<AnswerTo<N>> {
    for (let failures = 0; ; failures += 1) {
      if (!this.#isOpen) await this.#wait(() => {});
      try {
        return await this.ask(name, bodyOf());
      } catch (error) {
        const isPassing =
          error instanceof CarillonError && /^(no_answer|unavailable|rate_limited)$/.test(error.code);
        if (!isPassing) throw error;
      }
      const delayMs = backoffMs(failures, MAX_PAUSE_MS, this.#environment.random());
      if (this.#isOpen) await this.pause(delayMs);
    }
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

function isError(answer: object): answer is RequestError {
  return 'error' in answer;
}
