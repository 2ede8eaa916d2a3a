/** Erases and exports what is kept of a user, wherever it lies. */
import type { PersonalDataDesk } from '../contract/personal-data.ts';
import type { Directing } from '../operate/access/admin-command.ts';
import type { DeadLetterStore } from '../operate/dead-letters/dead-letter-store.ts';
import { UserDeadLetters } from '../operate/dead-letters/dead-letters-of-user.ts';
import { Erasure } from '../operate/personal-data/erasure.ts';
import { exported } from '../operate/personal-data/personal-data-export.ts';
import { MAX_JITTER } from '../resilience/jitter.ts';
import type { Context } from './context.ts';
import { mappingOf } from './mapping.ts';
import type { Store } from './store.ts';

/** Of one request. */
const BUDGET_MS = 5_000;

/** What a process that has just heard of the erasure may still have under way. */
const UNDER_WAY_MS = 2_000;

export function openPersonalData(
  context: Context,
  store: Store,
  adminCommands: Directing,
  deadLetterStore: DeadLetterStore,
): PersonalDataDesk {
  const { config, reader } = context;
  const mapping = mappingOf(context);
  const deadLetters = new UserDeadLetters({
    store: deadLetterStore,
    reader,
    routed: ({ event }) => mapping.audiences(event),
  });
  const parts = { ...store, adminCommands, commandLog: store.adminCommandLog, deadLetters };
  const settleMs = config.FEED_CHECK_SECONDS * 1000 * MAX_JITTER + UNDER_WAY_MS;
  const erasure = new Erasure({ ...parts, settleMs });
  return {
    erase: (user) => erasure.advance(user, BUDGET_MS),
    export: (user) => exported(user, parts),
  };
}
