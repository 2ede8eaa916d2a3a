/**
 * What time it is, by Redis' clock. Machines' clocks differ, and what one process tells is judged by another: when a
 * notification has expired, when a session began. The scripts go by Redis' clock, and so does everything else that is
 * compared with what another process said.
 *
 * It is asked for on every connection and again and again; in between goes a clock that nobody sets. On a Cluster one
 * node tells it for all.
 */
import { performance } from 'node:perf_hooks';
import { nodeOf, type RedisConnection } from './redis.ts';

const ASK_EVERY_MS = 30_000;

/** Any key; presence reckons by the clock of the same node. */
const KEY = 'carillon:{nodes}:alive';

export class RedisClock {
  /** Resolves when Redis has told the time; until then {@link now} is this machine's. */
  readonly known: Promise<void>;
  readonly #redis: RedisConnection;
  #tellKnown = () => {};
  readonly #timer: NodeJS.Timeout;
  /** Add it to `performance.now()`. */
  #leadMs: number | undefined;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
    this.known = new Promise((resolve) => {
      this.#tellKnown = resolve;
    });
    const ask = () => void this.#ask();
    redis.on('ready', ask);
    this.#timer = setInterval(ask, ASK_EVERY_MS);
    this.#timer.unref();
    ask();
  }

  /** In whole milliseconds since 1970. */
  readonly now = (): number =>
    this.#leadMs === undefined ? Date.now() : Math.round(performance.now() + this.#leadMs);

  close(): void {
    clearInterval(this.#timer);
  }

  async #ask(): Promise<void> {
    const node = nodeOf(this.#redis, KEY);
    if (node?.status !== 'ready') return;
    try {
      const askedMs = performance.now();
      const [seconds, micros] = await node.time();
      // Redis told it on the way there or back: half of that is the most by which it can be wrong.
      const toldMs = (askedMs + performance.now()) / 2;
      this.#leadMs = Number(seconds) * 1_000 + Number(micros) / 1_000 - toldMs;
      this.#tellKnown();
    } catch {
      // Away, or too slow: it is asked again when it is back, and before long.
    }
  }
}
