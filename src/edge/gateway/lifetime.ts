/**
 * How long a session lives, and what must be released when it ends. A client may leave while something is awaited for
 * it, and nothing would ever release what is begun after that.
 */
import { within } from '../../resilience/timeout.ts';
import { Unavailable } from '../../resilience/unavailable.ts';

/** The client left while something was awaited for it. Nobody waits for the answer. */
export class SessionOver extends Error {
  constructor() {
    super('the session is over');
  }
}

export class Lifetime {
  /** Created when first needed: most sessions hold one thing at a time. */
  #releases: Set<() => void> | undefined;
  #isOver = false;

  /** MUST be checked after each await, before anything is begun for the session. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** MUST be called once, when the session ends. */
  end(): void {
    this.#isOver = true;
    const releases = this.#releases;
    this.#releases = undefined;
    for (const release of releases ?? []) release();
  }

  /**
   * Waits for the promise, for at most `timeoutMs` and not past the end of the session.
   *
   * @throws {SessionOver} when the session ends first
   * @throws {Unavailable} when it takes too long
   */
  async within<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
    let disown = () => {};
    const untilOver = new Promise<T>((resolve, reject) => {
      promise.then(resolve, reject);
      disown = this.#own(() => reject(new SessionOver()));
    });
    try {
      return await within(timeoutMs, untilOver, () => {
        throw new Unavailable(`not within ${timeoutMs} ms`);
      });
    } finally {
      disown();
    }
  }

  /** Calls `release` when the session ends, or at once if it has ended. Returns a function that cancels this. */
  #own(release: () => void): () => void {
    if (this.#isOver) {
      release();
      return () => {};
    }
    this.#releases ??= new Set();
    this.#releases.add(release);
    return () => {
      this.#releases?.delete(release);
      if (this.#releases?.size === 0) this.#releases = undefined;
    };
  }
}
