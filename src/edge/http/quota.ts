/** Limits how much a producer may publish: appends a second for each token's user, counted in this process. */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { type EventQuota, MAX_QUOTA_SECONDS } from '../limits/request-limits.ts';

/** An event costs one append for each audience. */
export function createQuota(perSecond: number): EventQuota {
  const limiter = new RateLimiterMemory({ points: perSecond, duration: 1 });
  return {
    spent: async (user) => {
      const used = await limiter.get(user);
      return used !== null && used.consumedPoints >= perSecond ? used.msBeforeNext : undefined;
    },
    take: async (user, appends) => {
      try {
        // A request larger than one second's share takes a whole share; otherwise it could never be granted.
        await limiter.consume(user, Math.min(appends, perSecond));
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused;
        return refused.msBeforeNext;
      }
      // It then takes the shares of the following seconds.
      if (appends > perSecond) await limiter.block(user, Math.min(appends / perSecond, MAX_QUOTA_SECONDS));
      return undefined;
    },
  };
}
