/** A process that is attacked, and an honest client of it who is connected all the time and must not notice. */
import { expect } from 'vitest';
import { type CarillonProcess, isReady, JWT_SECRET, startCarillon, tokenFor } from './carillon.ts';
import { connectClient, type TestClient } from './client.ts';
import { expectNoFailure } from './hostile-http.ts';
import { madeEvent } from './producer.ts';
import { until } from './until.ts';

export const MAX_MESSAGE_BYTES = 65_536;

export class Witnessed {
  readonly carillon: CarillonProcess;
  /** Of a user who may connect, as often as wanted. */
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

  /** Limits are wide: what is wrong shall be refused for what it is, and not because there is much of it. */
  static async start(): Promise<Witnessed> {
    const carillon = await startCarillon({
      JWT_SECRET,
      // As long as a session may take to begin on a busy machine, and short enough to be waited for.
      HANDSHAKE_SECONDS: '10',
      CLIENT_MESSAGES_BURST: '100000',
      CLIENT_MESSAGE_MAX_BYTES: String(MAX_MESSAGE_BYTES),
      CONNECTIONS_PER_USER: '25',
    });
    const witness = connectClient(carillon.url, await tokenFor('ada'), { reconnection: true });
    await witness.session();
    // A busy machine may need another try to begin. From now on, it must not be cut off at all.
    witness.socket.io.reconnection(false);
    const writer = await tokenFor('a-service', { scope: 'events:write' });
    return new Witnessed(carillon, await tokenFor('eve', { topics: ['t.*'] }), writer, witness);
  }

  get url(): string {
    return this.carillon.url;
  }

  /** What is published now comes to the witness, and all before it came once and in order. */
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

  /** How many sockets are connected, the witness among them. */
  async connected(): Promise<number> {
    const metrics = await (await fetch(`${this.carillon.opsUrl}/metrics`)).text();
    return Number(/^carillon_connected_sockets (\d+)/m.exec(metrics)?.[1]);
  }

  /** Nobody but the witness is left, who got nothing else, and nothing failed. */
  async isAsItWas(): Promise<void> {
    await until('all but the witness to be gone', 30_000, async () => (await this.connected()) === 1);
    // Its own canary may be late after all this.
    await expect.poll(() => isReady(this.carillon)).toBe(true);
    expect(this.#witness.names).toEqual(['session', ...Array(this.#published).fill('notification')]);
    expectNoFailure(this.carillon.output);
  }

  async stop(): Promise<void> {
    this.#witness.close();
    await this.carillon.stop();
  }
}
