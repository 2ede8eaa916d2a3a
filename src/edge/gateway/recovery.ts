/**
 * Recovery: what a client missed in one audience since its cursor, or the last so many of it. Whole or not at all;
 * a client that says that it understands parts gets what fits, and where to go on.
 */
import type { Audience } from '../../contract/audience.ts';
import type { Cursor, Notification } from '../../contract/notification.ts';
import type { Missed, UnrecoveredReason } from '../../contract/recovery.ts';
import type { Portion } from '../../pipeline/inbox/answer-size.ts';
import type { Inbox, Stored } from '../../pipeline/inbox/inbox.ts';
import { hasWritten, holdsPlace } from '../../pipeline/inbox/incarnations.ts';
import { costOfRead, type Meter } from '../../pipeline/inbox/meter.ts';
import { notificationIn } from '../../pipeline/inbox/stored-notification.ts';
import type { DeliveryObservers, RecoveryResult } from './delivery-observer.ts';

export interface RecoveryOptions {
  readonly inbox: Pick<Inbox, 'read' | 'readNewest' | 'incarnations'>;
  /** More than this is not recovered: the client reads the inbox instead. */
  readonly maxNotifications: number;
  readonly observers: Pick<DeliveryObservers, 'recovered'>;
  /** The time by which notifications expire. */
  readonly now: () => number;
}

/** The answer that what was missed is a part of, with whatever else is in it. */
export interface AnswerBudget {
  readonly portion: Portion;
  /** Undefined: the user may have nothing read now. */
  readonly meter: Meter | undefined;
  /** The client understands that there is more. */
  readonly isPartial: boolean;
}

/** What is around the notifications of one audience in an answer, besides the audience's name. */
const AROUND_BYTES = 160;

/**
 * Everything between the cursor and `head`, where the feed of this node stands: live notifications begin right behind
 * it. Needs nothing of the store when there is nothing new. What does not fit is not read.
 *
 * @throws {InboxUnavailable}
 */
export async function recover(
  { inbox, maxNotifications, observers, now }: RecoveryOptions,
  audience: Audience,
  cursor: Cursor,
  head: Cursor,
  { portion, meter, isPartial }: AnswerBudget,
): Promise<Missed> {
  const place = { epoch: head.epoch, head: head.offset };
  const missing = (reason: UnrecoveredReason): Missed => {
    observers.recovered(reason, 0);
    return { ...place, recovered: false, notifications: [], reason };
  };
  const whole = (result: RecoveryResult, notifications: Notification[]): Missed => {
    observers.recovered(result, notifications.length);
    return { ...place, recovered: true, notifications };
  };
  const part = (reached: Cursor, notifications: Notification[]): Missed => {
    observers.recovered('part', notifications.length);
    return { epoch: reached.epoch, head: reached.offset, recovered: true, notifications, more: true };
  };
  portion.reserve(AROUND_BYTES + Buffer.byteLength(audience));
  if (cursor.epoch === head.epoch && cursor.offset === head.offset) return whole('current', []);
  const count = head.offset - cursor.offset;
  if (count < 0) return missing('lost');
  if (count > maxNotifications) return missing('too_many');
  if (meter === undefined) return missing('rate_limited');
  if (count > 0 && portion.isFull) return isPartial ? part(cursor, []) : missing('too_large');
  if (cursor.epoch !== head.epoch && !holdsPlace(await inbox.incarnations(audience), cursor))
    return missing('lost');
  if (count === 0) return whole('current', []);
  const notifications: Notification[] = [];
  for (let next = cursor.offset + 1; next <= head.offset; ) {
    const last = next + portion.nextRead(head.offset - next + 1) - 1;
    const stored = await inbox.read(audience, next, last);
    meter.spend(1 + costOfRead(stored));
    if (stored.length !== last - next + 1 || !(await leadsTo(inbox, audience, cursor, head, stored)))
      return missing('lost');
    for (const entry of stored.filter(isCurrentAt(now()))) {
      if (!portion.take(bytesOf(entry))) {
        if (!isPartial) return missing('too_large');
        return part({ epoch: head.epoch, offset: entry.offset - 1 }, notifications);
      }
      notifications.push(notificationIn(entry.json, entry.appendedAtMs));
    }
    next = last + 1;
  }
  return whole('recovered', notifications);
}

/** Read of a log in search of those that have not expired, in so many reads of as many as may be recovered. */
const MAX_READS = 10;

/**
 * The last `count` up to `head`, in order: fewer when the log does not hold so many any more, or the answer not so much.
 * The expired do not count; who wants what lies behind a great many of them does not get it.
 *
 * @throws {InboxUnavailable}
 */
export async function lastOf(
  { inbox, maxNotifications, now }: RecoveryOptions,
  audience: Audience,
  count: number,
  place: Cursor,
  { portion, meter }: AnswerBudget,
): Promise<Missed> {
  const { epoch, offset: head } = place;
  const isCurrent = isCurrentAt(now());
  portion.reserve(AROUND_BYTES + Buffer.byteLength(audience));
  /** Newest first. */
  const found: Stored[] = [];
  let upTo = head;
  let looked = 0;
  while (looked < MAX_READS * maxNotifications && upTo > 0 && found.length < count && !portion.isFull) {
    // Mostly nothing has expired, and then the first read has them all.
    const limit = portion.nextRead(looked < count ? count - found.length : maxNotifications);
    const read = await inbox.readNewest(audience, 1, upTo, limit);
    meter?.spend(1 + costOfRead(read));
    looked += limit;
    for (const entry of read.filter(isCurrent)) {
      if (found.length === count || !portion.take(bytesOf(entry))) break;
      found.push(entry);
    }
    upTo = read.length < limit ? 0 : (read.at(-1)?.offset ?? 1) - 1;
  }
  if (!(await leadsTo(inbox, audience, place, place, found)))
    return { epoch, head, recovered: false, notifications: [] };
  return {
    epoch,
    head,
    recovered: true,
    notifications: found.toReversed().map(({ json, appendedAtMs }) => notificationIn(json, appendedAtMs)),
  };
}

/**
 * Whether entries belong to the log that had this head. The feed may not have noticed yet that another one has come in
 * its place, with other events at the same offsets: those come behind its `resync`.
 */
async function leadsTo(
  inbox: RecoveryOptions['inbox'],
  audience: Audience,
  cursor: Cursor,
  head: Cursor,
  stored: readonly Stored[],
): Promise<boolean> {
  if (stored.every(({ epoch }) => epoch === head.epoch || epoch === cursor.epoch)) return true;
  const incarnations = await inbox.incarnations(audience);
  return holdsPlace(incarnations, head) && stored.every((entry) => hasWritten(incarnations, entry));
}

function isCurrentAt(nowMs: number): (entry: Stored) => boolean {
  return ({ expiresAtMs }) => expiresAtMs === undefined || expiresAtMs > nowMs;
}

/** What the user's marks may add to a notification. */
const MARKS_BYTES = 42;

/** In the answer, with the comma behind it. */
function bytesOf({ json }: Stored): number {
  return Buffer.byteLength(json) + MARKS_BYTES + 1;
}
