/** Sends sessions away when their token expires. One timer does it for all: one for each would take 400 bytes. */
import type { GoawayCode } from '../../contract/socket.ts';

/** Tokens count in seconds (RFC 7519, NumericDate). */
const SECOND_MS = 1_000;

/** A timer may fire a little before the second has begun. */
const AFTER_MS = 2;

export interface Expiring {
  readonly expiresAtMs: number;
  end(code: GoawayCode): void;
}

export class TokenExpiry {
  readonly #sessions: ReadonlyMap<string, Expiring>;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;

  /** `sessions`: those that there are now, by any key. */
  constructor(sessions: ReadonlyMap<string, Expiring>, now: () => number) {
    this.#sessions = sessions;
    this.#now = now;
    this.#lookAgain();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** At the next full second. */
  #lookAgain(): void {
    const untilMs = SECOND_MS - (this.#now() % SECOND_MS) + AFTER_MS;
    this.#timer = setTimeout(() => {
      this.#look();
      this.#lookAgain();
    }, untilMs).unref();
  }

  /** No session outlives its token: one that expires within this second ends at its beginning. */
  #look(): void {
    const nextMs = (Math.floor(this.#now() / SECOND_MS) + 1) * SECOND_MS;
    for (const session of this.#sessions.values())
      if (session.expiresAtMs < nextMs) session.end('token_expired');
  }
}
