/** What operators do with dead letters, with the routes and inboxes that show what a redrive would do. */
import { isExpired } from '../contract/cloudevent.ts';
import type { DeadLetterDesk } from '../contract/dead-letter.ts';
import { refuse } from '../contract/refusal.ts';
import { createRedactor } from '../observe/log.ts';
import type { DeadLetterStore } from '../operate/dead-letters/dead-letter-store.ts';
import { DeadLetters } from '../operate/dead-letters/dead-letters.ts';
import { type Inbox, identityOf } from '../pipeline/inbox/inbox.ts';
import { audiencesOf } from '../pipeline/routing/route.ts';
import type { Context } from './context.ts';

export function openDeadLetters(
  { config, routing, reader }: Context,
  store: DeadLetterStore,
  inbox: Pick<Inbox, 'places'>,
  now: () => number,
): DeadLetterDesk {
  const isConsumer = config.ROLES.includes('consumer');
  return new DeadLetters({
    store,
    redact: createRedactor(config.LOG_REDACT),
    reader,
    assess: ({ event }) => {
      if (isExpired(event, now())) {
        return refuse('expired', `expired at ${event.expirytime}`, 'expirytime');
      }
      const { routes } = routing.table;
      if (event.audience === undefined && !isConsumer && routes.length === 0)
        return { ok: true, value: undefined };
      const mapped = audiencesOf(event, routes, config.EVENT_MAX_AUDIENCES);
      return mapped.ok ? { ok: true, value: mapped.value.map(({ audience }) => audience) } : mapped;
    },
    has: async (audience, events) =>
      (await inbox.places(audience, events.map(identityOf))).map((place) => place !== undefined),
  });
}
