/**
 * What time it is, by Redis' clock. Machines' clocks differ, and what one process tells is judged by another: when a
 * notification has expired, when a session began. The scripts go by Redis' clock, and so does everything else that is
 * compared with what another process said.
 *
 * It is asked for on every connection and again and again; in between goes a clock that nobody sets. On a Cluster one
 * node tells it for all.
 */

import { performance } from 'node:perf_hooks';
import type { RedisConnection } from './connections.ts';
import { NODES_KEY } from './keys.ts';
import { nodeOf } from './nodes.ts';

const ASK_EVERY_MS = 30_000;
/** One after the other: a process that has just started is busy, and so may its first answer be late. */
const QUESTIONS = 5;

export class RedisClock {
  /** Resolves when Redis has told the time; until then {@link now} is this machine's. */
  readonly known: Promise<void>;
  readonly #redis: RedisConnection;
  #tellKnown = () => {};
  readonly #timer: NodeJS.Timeout;
  /** Of Redis' clock before `performance.now()`. */
  readonly #estimate = new ClockEstimate();

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
  readonly now = (): number => {
    const { leadMs } = this.#estimate;
    return leadMs === undefined ? Date.now() : Math.round(performance.now() + leadMs);
  };

  close(): void {
    clearInterval(this.#timer);
  }

  async #ask(): Promise<void> {
    // Any key would do; presence reckons by the clock of this one's node.
    const node = nodeOf(this.#redis, NODES_KEY);
    if (node?.status !== 'ready') return;
    try {
      for (let question = 0; question < QUESTIONS; question += 1) {
        const askedMs = performance.now();
        const [seconds, micros] = await node.time();
        const toldMs = Number(seconds) * 1_000 + Number(micros) / 1_000;
        this.#estimate.learn(toldMs, askedMs, performance.now());
      }
      this.#tellKnown();
    } catch {
      // Whatever failed, what was learned before goes on. Away, or too slow: it is asked again when it is back, and before long.
    }
  }
}

/** How far another clock is ahead of this one, by what it answered and how long that took. */
export class ClockEstimate {
  #leadMs: number | undefined;
  /** The most by which {@link leadMs} was wrong when it was found. */
  #errorMs = Number.POSITIVE_INFINITY;

  /** Undefined until there was an answer. */
  get leadMs(): number | undefined {
    return this.#leadMs;
  }

  /**
   * The other clock was read on the way there or back, so half of the round trip is the most by which an answer can be
   * wrong. One that was quicker before is better, unless this one shows that it does not hold any more: a clock was set,
   * or another machine answers.
   */
  learn(toldMs: number, askedMs: number, answeredMs: number): void {
    const errorMs = (answeredMs - askedMs) / 2;
    const leadMs = toldMs - (askedMs + answeredMs) / 2;
    const differsMs = Math.abs(leadMs - (this.#leadMs ?? leadMs));
    if (errorMs >= this.#errorMs && differsMs <= errorMs + this.#errorMs) return;
    this.#leadMs = leadMs;
    this.#errorMs = errorMs;
  }
}
