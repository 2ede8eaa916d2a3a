/**
 * The inbox as far as this client has it: items newest first, marks in the order of their versions, and marks of its
 * own that the server has not answered yet, shown as if it had. Immutable values only; nothing here asks anybody.
 */
import type { Counts, MAX_COUNT, MarkRequest } from '../contract/inbox.ts';
import type { Session } from '../contract/socket.ts';
import type { Which } from './api.ts';
import { keyOf } from './identity.ts';
import { type Limits, partsOf, UNTOLD } from './limits.ts';
import type { InboxItem } from './notification.ts';

export interface Change {
  readonly as: MarkRequest['as'];
  /** Those of events with one of these ids … */
  readonly ids?: readonly string[] | undefined;
  /** … or all up to these offsets. */
  readonly upTo?: Readonly<Record<string, number | undefined>> | undefined;
}

/** A mark of this client's own that is not answered yet. */
export interface Pending extends Change {
  readonly isAll: boolean;
}

/** An item, and the version of the mark that last decided whether it is read. */
export interface Item {
  readonly shown: InboxItem;
  readonly version: number;
}

/**
 * `seen` and `archived` are never taken back, so that their order is of no matter; `read` is, and a mark that is older
 * than the one that decided does not decide again.
 */
export function changed(item: Item, { as, ids, upTo }: Change, version: number): Item {
  const { shown } = item;
  const isMeant = ids?.includes(shown.id) ?? shown.offset <= (upTo?.[shown.audience] ?? 0);
  if (!isMeant) return item;
  const seen = shown.seen || as !== 'unread';
  const archived = shown.archived || as === 'archived';
  const decides = as !== 'seen' && version >= item.version;
  return decides
    ? { shown: { ...shown, seen, archived, read: as !== 'unread' }, version }
    : { shown: { ...shown, seen, archived }, version: item.version };
}

/** Own marks that wait for their answers, on top of what the server has confirmed. */
export function withPending(items: readonly Item[], pending: readonly Change[]): readonly Item[] {
  return items.map((item) =>
    pending.reduce((sum, change) => changed(sum, change, Number.POSITIVE_INFINITY), item),
  );
}

const CAP: typeof MAX_COUNT = 100;

/** How many of these items count, capped as the server's counts are. */
export function countsOf(items: readonly Item[]): Counts {
  const present = items.filter(({ shown }) => !shown.archived);
  return {
    unseen: Math.min(present.filter(({ shown }) => !shown.seen).length, CAP),
    unread: Math.min(present.filter(({ shown }) => !shown.read).length, CAP),
  };
}

/** The counts of the whole inbox after the part of it that is here became another. */
export function recounted(counts: Counts, before: readonly Item[], after: readonly Item[]): Counts {
  const [old, now] = [countsOf(before), countsOf(after)];
  return {
    unseen: moved(counts.unseen, now.unseen - old.unseen),
    unread: moved(counts.unread, now.unread - old.unread),
  };
}

/** A count at its cap says "100 or more": one less may be as many. */
function moved(count: number, by: number): number {
  return count >= CAP ? CAP : Math.max(0, Math.min(count + by, CAP));
}

/** Of `items`, newest first, those that are shown: of one collapse key the newest, none twice, none archived. */
export function shownOf(items: readonly Item[], isGone: (shown: InboxItem) => boolean): Item[] {
  const events = new Set<string>();
  const collapsed = new Set<string>();
  return items.filter(
    ({ shown }) =>
      !shown.archived &&
      !isGone(shown) &&
      isFirst(events, keyOf(shown)) &&
      (shown.collapsekey === undefined || isFirst(collapsed, keyOf({ ...shown, id: shown.collapsekey }))),
  );
}

function isFirst(known: Set<string>, key: string): boolean {
  return !known.has(key) && known.add(key).has(key);
}

export interface MarkPart {
  readonly pending: Pending;
  readonly request: MarkRequest;
}

/** Where the logs of a session's audiences stood when it began. */
export type Heads = Session['audiences'];

/**
 * The request as it is sent in a later session than the one in which the user said all: by then all would be more than
 * what the user saw.
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
  limits: Limits = UNTOLD,
): MarkPart[] {
  if (which === 'all') return [{ pending: { as, upTo, isAll: true }, request: { as, all: true } }];
  return partsOf(which, limits.idsPerMark, limits).map((ids) => {
    return { pending: { as, ids, isAll: false }, request: { as, ids } };
  });
}
