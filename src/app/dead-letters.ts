/** What operators do with dead letters, with the routes and inboxes that show what a redrive would do. */
import { isExpired } from '../contract/cloudevent.ts';
import type { DeadLetterDesk } from '../contract/dead-letter.ts';
import { refuse } from '../contract/refusal.ts';
import { createRedactor } from '../observe/log.ts';
import type { DeadLetterStore } from '../operate/dead-letters/dead-letter-store.ts';
import { DeadLetters } from '../operate/dead-letters/dead-letters.ts';
import { type Inbox, identityOf } from '../pipeline/inbox/inbox.ts';
import type { Context } from './context.ts';
import { mappingOf } from './mapping.ts';

export function openDeadLetters(
  context: Context,
  store: DeadLetterStore,
  inbox: Pick<Inbox, 'places'>,
  now: () => number,
): DeadLetterDesk {
  const { config, reader } = context;
  const mapping = mappingOf(context);
  return new DeadLetters({
    store,
    redact: createRedactor(config.LOG_REDACT),
    reader,
    assess: ({ event }) => {
      if (isExpired(event, now())) {
        return refuse('expired', `expired at ${event.expirytime}`, 'expirytime');
      }
      const isKnown = event.audience !== undefined || mapping.knowsRoutes();
      return isKnown ? mapping.audiences(event) : { ok: true, value: undefined };
    },
    has: async (audience, events) =>
      (await inbox.places(audience, events.map(identityOf))).map((place) => place !== undefined),
  });
}
