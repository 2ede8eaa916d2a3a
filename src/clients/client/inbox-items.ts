/**
 * What the inbox holds: copies of events, each with the user's marks in the order of their versions. Which of them are
 * shown, in what order, and how many count is decided here as the server decides it. Immutable values only.
 */
import type { Counts, MAX_COUNT, MarkRequest } from '../../contract/inbox.ts';
import type { Session } from '../../contract/socket.ts';
import type { Which } from './api.ts';
import { type EventIdentity, eventKeyOf, expiresAtMs } from './identity.ts';
import { type Limits, partsOf } from './limits.ts';
import type { InboxItem } from './notification.ts';

export interface Change {
  readonly as: MarkRequest['as'];
  /** Copies of these events … */
  readonly events?: readonly EventIdentity[] | undefined;
  /** … or of events with one of these ids … */
  readonly ids?: readonly string[] | undefined;
  /** … or all up to these offsets. */
  readonly upTo?: Readonly<Record<string, number | undefined>> | undefined;
  /** With `upTo`: of every log. */
  readonly all?: boolean | undefined;
}

/** A mark of this client's own that is not answered yet. */
export interface Pending extends Change {
  readonly isAll: boolean;
}

/** A copy, and the versions of the marks that last decided whether it is read, and whether it is archived. */
export interface Item {
  readonly shown: InboxItem;
  readonly readBy: number;
  readonly archivedBy: number;
  /** A page brought it, which has one copy of each event. */
  readonly isOfPage?: boolean | undefined;
}

function isMeant({ id, source, audience, offset }: InboxItem, { events, ids, upTo }: Change): boolean {
  if (events !== undefined) return events.some((event) => event.id === id && event.source === source);
  return ids?.includes(id) ?? offset <= (upTo?.[audience] ?? 0);
}

/** `seen` is never taken back. A mark that is older than the one that decided does not decide again. */
export function changed(item: Item, change: Change, version: number): Item {
  const { shown, readBy, archivedBy, isOfPage } = item;
  const { as } = change;
  if (!isMeant(shown, change)) return item;
  const read = as !== 'seen' && version >= readBy;
  const archived = (as === 'archived' || as === 'unread') && version >= archivedBy;
  return {
    shown: {
      ...shown,
      seen: shown.seen || as !== 'unread',
      read: read ? as !== 'unread' : shown.read,
      archived: archived ? as === 'archived' : shown.archived,
    },
    readBy: read ? version : readBy,
    archivedBy: archived ? version : archivedBy,
    isOfPage,
  };
}

/** Whether the list may have something again, or another copy of it, that is not held here. */
export function bringsBack(items: readonly Item[], { as, events, ids, upTo, all }: Change): boolean {
  if (upTo !== undefined) return as === 'unread' || (as === 'archived' && all !== true);
  if (as !== 'unread') return false;
  const isHeld = (change: Change) => items.some(({ shown }) => isMeant(shown, change));
  if (events !== undefined) return !events.every((event) => isHeld({ as, events: [event] }));
  return ids?.every((id) => isHeld({ as, ids: [id] })) === false;
}

/** The copy of an event that a page brought has left its log, and another may be shown that is not held here. */
export function hasLostCopy(before: readonly Item[], after: readonly Item[], nowMs: number): boolean {
  const held = new Set(after);
  return before.some(
    (item) => item.isOfPage && item.shown.copies && !held.has(item) && expiresAtMs(item.shown) > nowMs,
  );
}

/** Own marks that wait for their answers, on top of what the server has confirmed. */
export function withPending(items: readonly Item[], pending: readonly Change[]): readonly Item[] {
  return items.map((item) =>
    pending.reduce((sum, change) => changed(sum, change, Number.POSITIVE_INFINITY), item),
  );
}

export const CAP: typeof MAX_COUNT = 100;

export function capped(count: number): number {
  return Math.max(0, Math.min(count, CAP));
}

/** How many events count among these copies. One that two audiences brought counts once, as long as one copy does. */
export function countsOf(items: readonly Item[]): Counts {
  const present = items.filter(({ shown }) => !shown.archived);
  const eventsIn = (some: readonly Item[]) => new Set(some.map(({ shown }) => eventKeyOf(shown))).size;
  return {
    unseen: eventsIn(present.filter(({ shown }) => !shown.seen)),
    unread: eventsIn(present.filter(({ shown }) => !shown.read)),
  };
}

/** Newest first, each event once, none archived. */
export function listOf(items: readonly Item[]): InboxItem[] {
  const events = new Set<string>();
  return items
    .flatMap(({ shown }) => (shown.archived ? [] : [shown]))
    .sort(byAge)
    .filter((shown) => !events.has(eventKeyOf(shown)) && events.add(eventKeyOf(shown)));
}

/** Of a copy: its audience and its place there. */
export function placeOf({ audience, offset }: Pick<InboxItem, 'audience' | 'offset'>): string {
  return `${audience} ${offset}`;
}

/** When it was appended. What was appended by a service of before does not say so, and then its event's time is near. */
export function atMs({ at, time }: InboxItem): number {
  return at ?? (Date.parse(time) || 0);
}

/** As the server merges logs: newest first, and of the same moment by name. */
function byAge(a: InboxItem, b: InboxItem): number {
  if (a.audience === b.audience) return atMs(b) - atMs(a) || b.offset - a.offset;
  return atMs(b) - atMs(a) || (a.audience < b.audience ? -1 : 1);
}

export interface MarkPart {
  readonly pending: Pending;
  readonly request: MarkRequest;
}

/** Where the logs of a session's audiences stand. */
export type Heads = Session['audiences'];

/** The same logs, as far as these offsets are beyond. */
export function movedTo(heads: Heads, offsets: Readonly<Record<string, number>>): Heads {
  const moved = Object.entries(heads).flatMap(([audience, place]) =>
    place === undefined
      ? []
      : [[audience, { ...place, head: Math.max(place.head, offsets[audience] ?? 0) }] as const],
  );
  return Object.fromEntries(moved);
}

/**
 * The request as it is sent in a later session than the one in which the user said all, or after something came while it
 * waited for its turn: by then all would be more than what the user saw.
 */
export function requestLater({ pending, request }: MarkPart, heads: Heads): MarkRequest {
  const { as, isAll, upTo = {} } = pending;
  if (!isAll) return request;
  const places = Object.entries(heads).map(([audience, place]) => [
    audience,
    Math.min(upTo[audience] ?? 0, place?.head ?? 0),
  ]);
  return { as, upTo: Object.fromEntries(places) };
}

/** What to ask for, and to show meanwhile. `upTo`: what all means to the user who sees what is here. */
export function markParts(
  as: Change['as'],
  which: Which,
  upTo: Readonly<Record<string, number>>,
  limits: Limits,
): MarkPart[] {
  if (which === 'all') return [{ pending: { as, upTo, isAll: true }, request: { as, all: true } }];
  const ids = which.filter((one) => typeof one === 'string');
  // A server that does not know events goes by the ids.
  const named = which.flatMap((one) =>
    typeof one === 'string' ? [] : [{ ids: one.id, events: { id: one.id, source: one.source } }],
  );
  return [
    ...partsOf(ids, limits.idsPerMark, limits).map((some) => ({
      pending: { as, ids: some, isAll: false },
      request: { as, ids: some },
    })),
    ...partsOf(named, limits.idsPerMark, limits).map((some) => {
      const events = some.map((one) => one.events);
      return {
        pending: { as, events, isAll: false },
        request: { as, ids: some.map((one) => one.ids), events },
      };
    }),
  ];
}

/** What a request that names neither all nor nothing means. */
export function namesIn({ ids, events, upTo }: MarkRequest): Pick<MarkRequest, 'ids' | 'events' | 'upTo'> {
  return { ids, events, upTo };
}
