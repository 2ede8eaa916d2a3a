/** Limits over all processes: what counts them in Redis, and how operators see what they decide. */
import type { Cluster, Redis } from 'ioredis';
import { publishedKeyOf } from '../adapters/redis/keys.ts';
import { SharedWindow } from '../adapters/redis/shared-window.ts';
import type { SharedPlaces } from '../edge/gateway/connection-limits.ts';
import type { EventQuota } from '../edge/limits/request-limits.ts';
import { type SharedCount, SharedQuota } from '../edge/limits/shared-quota.ts';
import type { SharedLimit } from '../observe/shared-limit-metrics.ts';
import { DEAD_AFTER_MS } from '../operate/presence/presence-store.ts';
import { RedisSessionPlaces } from '../operate/presence/redis-session-places.ts';
import { reasonOf } from '../resilience/reason.ts';
import { faultOf } from '../resilience/unavailable.ts';
import type { Context } from './context.ts';

type Reporting = Pick<Context, 'config' | 'log' | 'metrics'>;

/** Undefined: there is no such limit. */
export interface SharedCounts {
  readonly places: SharedPlaces | undefined;
  readonly events: SharedCount | undefined;
}

export const NO_SHARED_COUNTS: SharedCounts = { places: undefined, events: undefined };

export function openSharedCounts(
  context: Reporting,
  redis: Redis | Cluster,
  dropDead: (user: string) => Promise<unknown>,
): SharedCounts {
  const { config, log } = context;
  const { CONNECTIONS_PER_USER_ALL_NODES: most, HTTP_EVENTS_PER_SECOND_ALL_NODES: perSecond } = config;
  const places =
    most > 0 && config.ROLES.includes('gateway')
      ? new RedisSessionPlaces({
          redis,
          most,
          // Presence is written once the session has begun, and again if that failed.
          leaseMs: config.HANDSHAKE_SECONDS * 1000 + DEAD_AFTER_MS,
          dropDead,
          now: () => performance.now(),
          ...reportsOf(context, 'connections'),
          onFault: (error) => log.error(faultOf(error), "a user's connections to all nodes are not counted"),
        })
      : undefined;
  return { places, events: perSecond > 0 ? new SharedWindow(redis, publishedKeyOf) : undefined };
}

/** `alone`: the limit of this process. */
export function sharedQuota(context: Reporting, count: SharedCount, alone: EventQuota): EventQuota {
  return new SharedQuota({
    perSecond: context.config.HTTP_EVENTS_PER_SECOND_ALL_NODES,
    count,
    alone,
    now: () => performance.now(),
    ...reportsOf(context, 'events'),
  });
}

/** The log has a line when this process begins to decide alone, and one when it does not any more. */
function reportsOf({ log, metrics }: Pick<Context, 'log' | 'metrics'>, limit: SharedLimit) {
  const refused = metrics.sharedLimits.of(limit, 'refused');
  const decidedAlone = metrics.sharedLimits.of(limit, 'alone');
  let isAlone = false;
  return {
    onRefused: () => refused.add(),
    onAlone: (error: unknown) => {
      decidedAlone.add();
      if (!isAlone)
        log.warn({ limit, reason: reasonOf(error) }, 'this node alone decides about a limit over all');
      isAlone = true;
    },
    onCounted: () => {
      if (isAlone) log.info({ limit }, 'a limit over all nodes is counted again');
      isAlone = false;
    },
  };
}
