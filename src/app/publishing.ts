/** How events are published that come over HTTP, on either port. */
import type { Verify } from '../contract/token.ts';
import type { CheckOptions } from '../edge/http/console/check.ts';
import { createQuota } from '../edge/http/quota.ts';
import { audiencesOf } from '../pipeline/routing/route.ts';
import type { Context } from './context.ts';
import type { Queue } from './queue.ts';

export function openPublishing(
  { config, routes }: Context,
  queue: Pick<Queue, 'publish'>,
  verify: Verify,
  now: () => number,
): CheckOptions {
  const knowsRoutes = routes.length > 0 || config.ROLES.includes('consumer');
  const most = config.EVENT_MAX_AUDIENCES;
  return {
    audiencesOf: (event) =>
      knowsRoutes || event.audience !== undefined ? audiencesOf(event, routes, most) : undefined,
    events: {
      verify,
      now,
      maxBytes: config.EVENT_MAX_BYTES,
      quota: createQuota(config.HTTP_EVENTS_PER_SECOND),
      publish: (read) => queue.publish(read),
      appendsOf: ({ event }) => {
        if (!knowsRoutes) return { ok: true, value: event.audience?.length ?? 1 };
        const mapped = audiencesOf(event, routes, most);
        return mapped.ok ? { ok: true, value: mapped.value.length } : mapped;
      },
    },
  };
}
