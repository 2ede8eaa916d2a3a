/** Whom an event is for, by the routes that this process has now: for everybody but the delivery itself. */
import type { Audience } from '../contract/audience.ts';
import type { Event } from '../contract/event.ts';
import type { Read } from '../contract/refusal.ts';
import { audiencesOf, type Mapped } from '../pipeline/routing/route.ts';
import type { Context } from './context.ts';

export interface Mapping {
  /** False: consumers may have routes that this process has not, and whom they name cannot be said here. */
  knowsRoutes(): boolean;
  mapped(event: Event): Read<readonly Mapped[]>;
  audiences(event: Event): Read<readonly Audience[]>;
}

export function mappingOf({ config, routing }: Pick<Context, 'config' | 'routing'>): Mapping {
  const isConsumer = config.ROLES.includes('consumer');
  const mapped = (event: Event) => audiencesOf(event, routing.table.routes, config.EVENT_MAX_AUDIENCES);
  return {
    knowsRoutes: () => isConsumer || routing.table.routes.length > 0,
    mapped,
    audiences: (event) => {
      const found = mapped(event);
      return found.ok ? { ok: true, value: found.value.map(({ audience }) => audience) } : found;
    },
  };
}
