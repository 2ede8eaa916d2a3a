/**
 * Sends a steady stream of events to good clients, one user each, and measures how long each event takes to its client.
 */
import type { Crowd } from '../../support/crowd.ts';
import type { Driver } from '../../support/driver.ts';
import { Payloads } from '../../support/payload.ts';
import { BUSY } from './kinds.ts';

const TICK_MS = 1;

export interface StreamOptions {
  readonly users: number;
  readonly perSecond: number;
  readonly dataBytes: number;
  /** Events to the busy department: the same number with bad neighbours and without. */
  readonly busyPerSecond: number;
  readonly busyDataBytes: number;
}

export interface Latencies {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export class Stream {
  readonly #crowd: Crowd;
  readonly #driver: Driver;
  readonly #options: StreamOptions;
  readonly #payloads: Payloads;
  readonly #busyPayloads: Payloads;
  readonly #sentMs: number[] = [];
  #latenciesMs: number[] = [];

  constructor(crowd: Crowd, driver: Driver, options: StreamOptions) {
    this.#crowd = crowd;
    this.#driver = driver;
    this.#options = options;
    this.#payloads = new Payloads(options.dataBytes);
    this.#busyPayloads = new Payloads(options.busyDataBytes);
    // Users take turns, and each user's events arrive in order, so the count tells which event has arrived.
    crowd.onNotification = (user, nth) => {
      const sentMs = this.#sentMs[nth * options.users + user] ?? Number.NaN;
      this.#latenciesMs.push(performance.now() - sentMs);
    };
  }

  /** Resolves when every event sent within `durationMs` has arrived. Rejects when one is missing or came twice. */
  async run(durationMs: number): Promise<Latencies> {
    this.#latenciesMs = [];
    await Promise.all([
      this.#send(durationMs, this.#options.perSecond, () => this.#sendNext()),
      this.#send(durationMs, this.#options.busyPerSecond, () =>
        this.#driver.send([this.#busyPayloads.next(`department:${BUSY}`)]),
      ),
    ]);
    await this.#crowd.arrived(this.#sentMs.length);
    await this.#driver.settled();
    const sorted = this.#latenciesMs.toSorted((a, b) => a - b);
    const quantile = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
    return { p50Ms: quantile(0.5), p99Ms: quantile(0.99), maxMs: quantile(1) };
  }

  #sendNext(): void {
    const user = this.#sentMs.length % this.#options.users;
    const event = this.#payloads.next(`user:${user}`);
    this.#sentMs.push(performance.now());
    this.#driver.send([event]);
  }

  /** Sends at an even rate. */
  #send(durationMs: number, perSecond: number, send: () => void): Promise<void> {
    const startMs = performance.now();
    const total = Math.round((durationMs / 1_000) * perSecond);
    let sent = 0;
    return new Promise((resolve) => {
      const tick = () => {
        const due = Math.min(((performance.now() - startMs) / 1_000) * perSecond, total);
        while (sent < due) {
          send();
          sent += 1;
        }
        if (sent < total) setTimeout(tick, TICK_MS);
        else resolve();
      };
      tick();
    });
  }
}
