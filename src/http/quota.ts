/** How many events a producer may publish over HTTP: so many a second for each token's user, counted in this process. */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

/** Undefined when it is allowed; else after how many milliseconds it may be tried again. */
export type Quota = (user: string, events: number) => Promise<number | undefined>;

export function createQuota(perSecond: number): Quota {
  const limiter = new RateLimiterMemory({ points: perSecond, duration: 1 });
  return async (user, events) => {
    try {
      // A batch that is larger than a second's share takes all of one: it would never be taken otherwise.
      await limiter.consume(user, Math.min(events, perSecond));
      return undefined;
    } catch (refused) {
      if (refused instanceof RateLimiterRes) return refused.msBeforeNext;
      throw refused;
    }
  };
}
