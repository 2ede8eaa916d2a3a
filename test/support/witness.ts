/** A process under attack, and an honest client that stays connected to it and must not notice the attack. */
import { expect } from 'vitest';
import { type CarillonProcess, isReady, JWT_SECRET, startCarillon, tokenFor } from './carillon.ts';
import { connectClient, type TestClient } from './client.ts';
import { expectNoFailure } from './hostile-http.ts';
import { madeEvent } from './producer.ts';
import { until } from './until.ts';

export const MAX_MESSAGE_BYTES = 65_536;

export class Witnessed {
  readonly carillon: CarillonProcess;
  /** The token of a user who may connect as often as needed. */
  readonly token: string;
  readonly #witness: TestClient;
  readonly #writer: string;
  #published = 0;

  private constructor(carillon: CarillonProcess, token: string, writer: string, witness: TestClient) {
    this.carillon = carillon;
    this.token = token;
    this.#writer = writer;
    this.#witness = witness;
  }

  /**
   * The limits are wide, so that the service refuses a bad message for its content and not for the number of messages.
   */
  static async start(): Promise<Witnessed> {
    const carillon = await startCarillon({
      JWT_SECRET,
      // Long enough for the start of a session on a busy machine, and short enough for a test to wait for it.
      HANDSHAKE_SECONDS: '10',
      CLIENT_MESSAGES_BURST: '100000',
      CLIENT_MESSAGE_MAX_BYTES: String(MAX_MESSAGE_BYTES),
      CONNECTIONS_PER_USER: '25',
    });
    const witness = connectClient(carillon.url, await tokenFor('ada'), { reconnection: true });
    await witness.session();
    // A busy machine may need another try for the first connection. From now on, nothing may cut the witness off.
    witness.socket.io.reconnection(false);
    const writer = await tokenFor('a-service', { scope: 'events:write' });
    return new Witnessed(carillon, await tokenFor('eve', { topics: ['t.*'] }), writer, witness);
  }

  get url(): string {
    return this.carillon.url;
  }

  /** Checks that the next event reaches the witness, and that every event before it arrived once and in order. */
  async stillHears(): Promise<void> {
    this.#published += 1;
    const response = await fetch(`${this.url}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#writer}`, 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify(madeEvent(`${this.#published}`, { audience: 'user:ada' })),
    });
    expect(response.status).toBe(202);
    const ids = (await this.#witness.received(this.#published)).map(({ id }) => id);
    expect(ids).toEqual(Array.from({ length: this.#published }, (_, i) => `${i + 1}`));
  }

  /** How many sockets are connected, the witness's included. */
  async connected(): Promise<number> {
    const metrics = await (await fetch(`${this.carillon.opsUrl}/metrics`)).text();
    return Number(/^carillon_connected_sockets (\d+)/m.exec(metrics)?.[1]);
  }

  /** Checks that only the witness is left, that it received nothing else, and that no failure was logged. */
  async isAsItWas(): Promise<void> {
    await until('all but the witness to be gone', 30_000, async () => (await this.connected()) === 1);
    // The attack may have delayed the canary of the process.
    await expect.poll(() => isReady(this.carillon)).toBe(true);
    expect(this.#witness.names).toEqual(['session', ...Array(this.#published).fill('notification')]);
    expectNoFailure(this.carillon.output);
  }

  async stop(): Promise<void> {
    this.#witness.close();
    await this.carillon.stop();
  }
}
