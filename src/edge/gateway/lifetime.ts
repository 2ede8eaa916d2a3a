/**
 * How long a session lives, and what it holds for so long. Whatever is awaited for a client may come when the client
 * has gone, and what is begun then would never be let go.
 */
import { within } from '../../resilience/timeout.ts';
import { Unavailable } from '../../resilience/unavailable.ts';

/** The client left while something was awaited for it. Nobody is there to be told. */
export class SessionOver extends Error {
  constructor() {
    super('the session is over');
  }
}

export class Lifetime {
  /** Made when there is something to let go: most sessions hold one thing at a time. */
  #releases: Set<() => void> | undefined;
  #isOver = false;

  /** MUST be asked after each await, before anything is begun for the session. */
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
   * Waits no longer than so long, and no longer than the session lives.
   *
   * @throws {SessionOver} when the session ends before, and another error when it takes longer
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

  /** Calls `release` when the session ends, and at once when it has. Returns what takes that back. */
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
