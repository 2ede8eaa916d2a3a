/** How much a producer may publish: so many appends a second for each token's user, counted in this process. */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { EventQuota } from '../limits/request-limits.ts';

/** Longer than anybody waits, and not too long for a timer. */
const MAX_SECONDS = 86_400;

/** An event for one audience is one append. */
export function createQuota(perSecond: number): EventQuota {
  const limiter = new RateLimiterMemory({ points: perSecond, duration: 1 });
  return {
    spent: async (user) => {
      const used = await limiter.get(user);
      return used !== null && used.consumedPoints >= perSecond ? used.msBeforeNext : undefined;
    },
    take: async (user, appends) => {
      try {
        // What is larger than a second's share takes a whole one: it would never be taken otherwise.
        await limiter.consume(user, Math.min(appends, perSecond));
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused;
        return refused.msBeforeNext;
      }
      // And then those that follow.
      if (appends > perSecond) await limiter.block(user, Math.min(appends / perSecond, MAX_SECONDS));
      return undefined;
    },
  };
}
