/**
 * When the next request may be sent, over one connection. The server closes a connection that sends faster than it
 * allows, so this stays below that whatever the network does to the messages on their way: a stall lets all that is
 * under way arrive at once. What arrives in a time is at most what was under way when it began, what this allows at
 * once, and what comes back meanwhile; the first two together are less than what the server allows at once.
 */
import type { Environment } from './environment.ts';
import type { Limits } from './limits.ts';

/** What begins the session, and a heartbeat. */
const OTHERS = 2;

/** Heartbeats come all the time. */
const SHARE = 0.9;

interface Turn {
  readonly go: () => void;
  readonly fail: (error: Error) => void;
}

export class Pace {
  readonly #environment: Environment;
  /** Under way at the same time, and at once. */
  readonly #most: number;
  readonly #perSecond: number;
  readonly #waiting: Turn[] = [];
  #left: number;
  #atMs: number;
  #underWay = 0;
  #cancel = () => {};

  constructor(environment: Environment, { messagesAtOnce, messagesPerSecond }: Limits) {
    this.#environment = environment;
    this.#most = Math.max(1, Math.floor((messagesAtOnce - OTHERS) / 2));
    this.#perSecond = messagesPerSecond * SHARE;
    this.#left = this.#most;
    this.#atMs = environment.now();
  }

  /** Resolves when it may be sent, in the order of the calls, unless `isUrgent`. MUST be followed by {@link done}. */
  take(isUrgent: boolean): Promise<void> {
    return new Promise((go, fail) => {
      if (isUrgent) this.#waiting.unshift({ go, fail });
      else this.#waiting.push({ go, fail });
      this.#next();
    });
  }

  /** It was answered, or will not be. */
  done(): void {
    this.#underWay -= 1;
    this.#next();
  }

  /** The connection is lost: nothing is sent over it any more. */
  end(error: Error): void {
    this.#cancel();
    for (const { fail } of this.#waiting.splice(0)) fail(error);
  }

  #next(): void {
    this.#cancel();
    while (this.#underWay < this.#most && this.#waiting.length > 0) {
      const nowMs = this.#environment.now();
      const earned = (Math.max(0, nowMs - this.#atMs) / 1_000) * this.#perSecond;
      this.#left = Math.min(this.#most, this.#left + earned);
      this.#atMs = nowMs;
      if (this.#left < 1) {
        const delayMs = Math.ceil(((1 - this.#left) / this.#perSecond) * 1_000);
        this.#cancel = this.#environment.after(delayMs, () => this.#next());
        return;
      }
      this.#left -= 1;
      this.#underWay += 1;
      this.#waiting.shift()?.go();
    }
  }
}
