/** The steps of the inbox stories, independent of the service and the devices. */
import type { Inbox, Which } from '../../src/clients/client/api.ts';
import type { Audience } from '../../src/contract/audience.ts';
import type { MarkRequest } from '../../src/contract/inbox.ts';
import { anyId, anyRetraction, anySource, seldom } from './any-events.ts';
import fc from './fast-check.ts';
import { BY_RANK, type Made } from './inbox-model.ts';

const EVENTS = 15;

/** The events of a story. The same event may be published again. */
export function anyEventsFor(audiences: readonly Audience[]): fc.Arbitrary<Made[]> {
  const anyMade = fc.record({
    id: anyId,
    source: anySource,
    audience: fc.uniqueArray(fc.constantFrom(...audiences), { minLength: 1, maxLength: 3 }),
    collapsekey: seldom(fc.constantFrom('k', 'l')),
    retracts: seldom(anyRetraction),
    livesMs: seldom(fc.constantFrom(10, 3_000, 60_000)),
  });
  return fc.uniqueArray(anyMade, {
    minLength: EVENTS,
    maxLength: EVENTS,
    selector: ({ id, source }) => `${source} ${id}`,
  });
}

export const anyAs = fc.constantFrom<MarkRequest['as'][]>('seen', 'read', 'unread', 'archived');
/** Picks an element of a list by its index. */
export const anyPick = fc.nat({ max: 40 });
/** Picks one of the story's events. */
export const anyMake = fc.record({ make: fc.nat({ max: EVENTS - 1 }) });

/** A user marks what a device shows: everything, some of the notifications, or one by its id. */
export const anyMarkOn = (anyDevice: fc.Arbitrary<number>) =>
  fc.record({
    device: anyDevice,
    as: anyAs,
    which: fc.oneof(
      fc.constant('all' as const),
      fc.uniqueArray(anyPick, { minLength: 1, maxLength: 3 }),
      fc.record({ plain: anyPick }),
    ),
  });

/** A mark that none of the devices makes. */
export const anyElsewhere = fc.record({
  elsewhere: anyAs,
  of: fc.oneof(
    fc.dictionary(fc.constantFrom(...BY_RANK), fc.nat({ max: 12 })),
    fc.array(fc.record({ id: anyId, source: anySource }), { minLength: 1, maxLength: 2 }),
  ),
});

type Of<A> = A extends fc.Arbitrary<infer T> ? T : never;

export function meantBy(
  { which }: Pick<Of<ReturnType<typeof anyMarkOn>>, 'which'>,
  list: Inbox['list'],
): Which {
  const at = (pick: number) => list.slice(pick, pick + 1);
  if (which === 'all') return which;
  return Array.isArray(which) ? which.flatMap(at) : at(which.plain).map(({ id }) => id);
}

export function markAs(inbox: Inbox, as: MarkRequest['as']): (which: Which) => Promise<void> {
  const marks = {
    seen: inbox.markSeen,
    read: inbox.markRead,
    unread: inbox.markUnread,
    archived: inbox.markArchived,
  };
  return marks[as];
}

/** `headOf`: the head of a log. No mark may go beyond it. */
export function requestElsewhere(
  { elsewhere: as, of }: Of<typeof anyElsewhere>,
  headOf: (audience: Audience) => number,
): MarkRequest {
  if (Array.isArray(of)) return { as, events: of };
  const within = Object.entries(of).map(([name, offset]) => {
    const audience = BY_RANK.find((one) => one === name) ?? 'global';
    return [audience, Math.min(offset ?? 0, headOf(audience))];
  });
  return { as, upTo: Object.fromEntries(within) };
}
