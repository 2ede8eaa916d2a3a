/** Presents a fresh token before the old one ends. Whatever fails here leaves the connection as it is. */
import { backoffMs } from './backoff.ts';
import type { Environment } from './environment.ts';
import { refreshDelayMs } from './token.ts';

const MAX_PAUSE_MS = 60_000;

export interface TokenRefreshOptions {
  readonly environment: Environment;
  /** Presents a fresh token, and resolves with how long that one will do, in milliseconds. */
  readonly refresh: () => Promise<number>;
  readonly onError: (error: unknown) => void;
}

export class TokenRefresh {
  readonly #options: TokenRefreshOptions;
  #cancel = () => {};
  /** What was begun before the newest `start` or `stop` has no say any more. */
  #round = 0;

  constructor(options: TokenRefreshOptions) {
    this.#options = options;
  }

  start(remainingMs: number): void {
    this.stop();
    this.#wait(refreshDelayMs(remainingMs), 0);
  }

  stop(): void {
    this.#round += 1;
    this.#cancel();
  }

  #wait(delayMs: number, failures: number): void {
    this.#cancel = this.#options.environment.after(delayMs, () => void this.#refresh(failures));
  }

  async #refresh(failures: number): Promise<void> {
    const { environment, refresh, onError } = this.#options;
    const round = this.#round;
    try {
      const remainingMs = await refresh();
      if (round === this.#round) this.#wait(refreshDelayMs(remainingMs), 0);
    } catch (error) {
      if (round !== this.#round) return;
      onError(error);
      this.#wait(backoffMs(failures, MAX_PAUSE_MS, environment.random()), failures + 1);
    }
  }
}
