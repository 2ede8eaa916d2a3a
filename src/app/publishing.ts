/** How events are published that come over HTTP, on either port. */
import { displaySchema } from '../contract/display.ts';
import { RETRACTION_TYPE } from '../contract/event.ts';
import { titleOf } from '../contract/title.ts';
import type { Verify } from '../contract/token.ts';
import type { CheckOptions } from '../edge/http/console/check.ts';
import { createQuota } from '../edge/http/quota.ts';
import type { Context } from './context.ts';
import { mappingOf } from './mapping.ts';
import type { Queue } from './queue.ts';
import { sharedQuota } from './shared-limits.ts';
import type { Store } from './store.ts';

export function openPublishing(
  context: Context,
  queue: Pick<Queue, 'publish'>,
  verify: Verify,
  { now, sharedCounts }: Pick<Store, 'now' | 'sharedCounts'>,
): CheckOptions {
  const { config, routing } = context;
  const mapping = mappingOf(context);
  const quota = createQuota(config.HTTP_EVENTS_PER_SECOND);
  const { events: count } = sharedCounts;
  return {
    audiencesOf: (event) =>
      mapping.knowsRoutes() || event.audience !== undefined ? mapping.mapped(event) : undefined,
    titleOf: (event, languages) => {
      // Nobody sees what takes another one back.
      if (!mapping.knowsRoutes() || event.type === RETRACTION_TYPE) return undefined;
      const { displayJson, titleRoute } = routing.table.present?.(event) ?? {};
      const display = displayJson === undefined ? undefined : displaySchema.parse(JSON.parse(displayJson));
      const { text, language, from } = titleOf({ ...event, display }, languages);
      return {
        text,
        from,
        ...(language === undefined ? {} : { language }),
        ...(titleRoute === undefined ? {} : { route: titleRoute }),
      };
    },
    events: {
      verify,
      now,
      maxBytes: config.EVENT_MAX_BYTES,
      quota: count === undefined ? quota : sharedQuota(context, count, quota),
      publish: (read) => queue.publish(read),
      appendsOf: ({ event }) => {
        if (!mapping.knowsRoutes()) return { ok: true, value: event.audience?.length ?? 1 };
        const mapped = mapping.mapped(event);
        return mapped.ok ? { ok: true, value: mapped.value.length } : mapped;
      },
    },
  };
}
