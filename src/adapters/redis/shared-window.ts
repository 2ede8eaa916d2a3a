/**
 * Counts in Redis what all processes take under one name within a window of time. The window begins with the first of
 * them, and Redis ends it.
 */
import type { Cluster, Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';

export interface Taken {
  /** What all processes had taken in this window before. */
  readonly before: number;
  readonly remainingMs: number;
}

export class SharedWindow {
  readonly #limiter: RateLimiterRedis;
  readonly #keyOf: (name: string) => string;

  /** `redis` MUST reject at once while Redis is away. `keyOf`: the key of a name. */
  constructor(redis: Redis | Cluster, keyOf: (name: string) => string) {
    this.#keyOf = keyOf;
    // Who takes knows the limit, and how much of what was taken is within it: `points` is not asked for.
    this.#limiter = new RateLimiterRedis({ storeClient: redis, keyPrefix: '', points: 1, duration: 1 });
  }

  /**
   * One command. `seconds`: how long the window lasts if this begins it. What is taken counts, whether or not it is
   * within a limit.
   */
  async take(name: string, points: number, seconds: number): Promise<Taken> {
    // `penalty` only counts. `consume` would reject what is partly within the limit.
    const counted = await this.#limiter.penalty(this.#keyOf(name), points, { customDuration: seconds });
    return { before: counted.consumedPoints - points, remainingMs: counted.msBeforeNext };
  }
}
