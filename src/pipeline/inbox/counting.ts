/** Counts what a user has not seen or read, and says of what the counts are true: up to where, and until when. */
import { type Counted, type InboxFilter, MAX_COUNT } from '../../contract/inbox.ts';
import type { ReadInbox } from './metered-inbox.ts';
import { covers, isSame, type Ranges } from './ranges.ts';
import { firstShownOf, type Hold, type Kept, type UserLog, View } from './view.ts';

export interface CountingOptions {
  readonly kept: Kept;
  /** Of the newest that are looked at, in all logs together. */
  readonly maxEntries: number;
  readonly nowMs: number;
}

/** False for most users who come back after a moment: then there is nothing to count. */
export function isAnyUnread(logs: readonly UserLog[], kept: Kept): boolean {
  return logs.some((log) => {
    const first = firstShownOf(log, kept);
    const { head, marks } = log;
    const isAll = (ranges: Ranges) => covers(ranges, first, head.offset);
    return first <= head.offset && !(isAll(marks.seen) && isAll(marks.read));
  });
}

export async function countIn(
  inbox: ReadInbox,
  logs: readonly UserLog[],
  options: CountingOptions,
): Promise<Omit<Counted, 'version'>> {
  const countOf = async (filter: InboxFilter) => {
    const view = new View(inbox, logs, filter, { ...options, wanted: MAX_COUNT });
    return { count: await view.count(MAX_COUNT), hold: view.hold };
  };
  const heads = Object.fromEntries(
    logs.flatMap(({ audience, head }) => (head.offset === 0 ? [] : [[audience, head.offset]])),
  );
  // Mostly what was seen was read at once, or nothing was: then one look is enough.
  if (logs.every(({ marks }) => isSame(marks.seen, marks.read))) {
    const { count, hold } = await countOf('unread');
    return { unseen: count, unread: count, heads, ...validityOf(hold) };
  }
  const [unseen, unread] = await Promise.all([countOf('unseen'), countOf('unread')]);
  return { unseen: unseen.count, unread: unread.count, heads, ...validityOf(unseen.hold, unread.hold) };
}

function validityOf(...holds: readonly Hold[]): Pick<Counted, 'until' | 'spare'> {
  const untilMs = Math.min(...holds.map((hold) => hold.untilMs));
  const spare = Math.min(...holds.map((hold) => hold.spare));
  return {
    ...(untilMs === Number.POSITIVE_INFINITY ? {} : { until: Math.floor(untilMs) }),
    ...(spare === Number.POSITIVE_INFINITY ? {} : { spare }),
  };
}
