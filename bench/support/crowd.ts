/**
 * Many clients, one user each, and a count of what they have received. A loss or a repeat makes the measurement fail.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { SignJWT } from 'jose';
import { Client, type Protocol } from './client.ts';
import { inHand } from './load.ts';

export const JWT_SECRET = 'a-secret-for-benchmarks-of-more-than-32-characters';

const ARRIVAL_TIMEOUT_MS = 180_000;
/** A repeat would come right after the original. */
const REPEAT_MS = 50;

export class Crowd {
  /** Called with the user's number, and the number of the notification among this user's, from 0. */
  onNotification: (user: number, nth: number) => void = () => {};
  readonly #port: number;
  readonly #protocol: Protocol;
  readonly #clients: Client[] = [];
  /** Rejects as soon as any client fails. */
  readonly #failed: Promise<never>;
  #fail: (error: Error) => void = () => {};
  #received = 0;
  #wanted = Number.NaN;
  #onWanted = () => {};

  constructor(port: number, protocol: Protocol) {
    this.#port = port;
    this.#protocol = protocol;
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(() => {});
  }

  get received(): number {
    return this.#received;
  }

  get bytes(): number {
    return this.#clients.reduce((sum, client) => sum + client.bytes, 0);
  }

  /** Whether the server agreed to permessage-deflate with all clients. Throws when it did so with only some. */
  get deflate(): boolean {
    const agreed = this.#clients.filter(({ deflate }) => deflate).length;
    if (agreed !== 0 && agreed !== this.#clients.length)
      throw new Error('only some clients have permessage-deflate');
    return agreed > 0;
  }

  /**
   * Tokens for this many more users. They are made in advance, so that connecting does not wait for them. `claimsOf`:
   * more claims for a user's token.
   */
  async tokens(
    count: number,
    claimsOf?: (user: number) => Readonly<Record<string, unknown>>,
  ): Promise<readonly string[]> {
    return await tokensOf(this.#clients.length, count, claimsOf);
  }

  /**
   * Connects one more client for each token, with at most `maxOpening` in their handshakes. Resolves when all are
   * connected.
   */
  async connect(tokens: readonly string[], maxOpening: number): Promise<void> {
    const first = this.#clients.length;
    const connected = inHand(maxOpening, tokens.length, async (at) => {
      const user = first + at;
      const client = new Client({
        ...this.#protocol,
        port: this.#port,
        token: tokens[at] ?? '',
        onNotification: (nth) => this.#count(user, nth),
        onFailure: this.#fail,
      });
      this.#clients.push(client);
      await client.connected;
    });
    await this.#unlessFailed(connected, `${tokens.length} connections`);
  }

  /** Resolves when the crowd has received `total` notifications since it was created. */
  async arrived(total: number): Promise<void> {
    if (this.#received > total)
      throw new Error(`${this.#received} notifications arrived instead of ${total}`);
    if (this.#received === total) return;
    const arrived = new Promise<void>((resolve) => {
      this.#wanted = total;
      this.#onWanted = resolve;
    });
    await this.#unlessFailed(arrived, `${total} notifications`);
  }

  /** Throws unless every client has received exactly `count` notifications. */
  async expectEach(count: number): Promise<void> {
    await pause(REPEAT_MS);
    const wrong = this.#clients.filter(({ notifications }) => notifications !== count);
    if (wrong.length === 0) return;
    const found = wrong.slice(0, 5).map(({ notifications }) => notifications);
    throw new Error(
      `${wrong.length} clients received ${found.join(', ')} … notifications instead of ${count}`,
    );
  }

  /** Closes the clients that connected last. */
  leave(count: number): void {
    for (const client of this.#clients.splice(-count)) client.close();
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  #count(user: number, nth: number): void {
    this.#received += 1;
    this.onNotification(user, nth);
    if (this.#received === this.#wanted) this.#onWanted();
  }

  async #unlessFailed(promise: Promise<void>, what: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`waited in vain for ${what}; ${this.#received} notifications have come`)),
        ARRIVAL_TIMEOUT_MS,
      );
    });
    try {
      await Promise.race([promise, this.#failed, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Tokens for users with consecutive numbers. */
export async function tokensOf(
  first: number,
  count: number,
  claimsOf: (user: number) => Readonly<Record<string, unknown>> = () => ({}),
): Promise<readonly string[]> {
  const key = new TextEncoder().encode(JWT_SECRET);
  return await Promise.all(
    Array.from({ length: count }, (_, i) =>
      new SignJWT({ ...claimsOf(first + i), sub: `${first + i}` })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(key),
    ),
  );
}
