/**
 * Recovery: what a client missed in one audience since its cursor, or the last few notifications of the audience. A
 * client gets all of it or nothing. A client that says that it understands parts gets what fits, and learns where to
 * go on.
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
  /** If a client missed more than this, nothing is recovered and it reads the inbox instead. */
  readonly maxNotifications: number;
  readonly observers: Pick<DeliveryObservers, 'recovered'>;
  /** The time by which notifications expire. */
  readonly now: () => number;
}

/** The budget of the whole answer, of which the notifications of one audience are a part. */
export interface AnswerBudget {
  readonly portion: Portion;
  /** Undefined: the user's budget is spent, so nothing may be read. */
  readonly meter: Meter | undefined;
  /** The client understands an answer that says that there is more. */
  readonly isPartial: boolean;
}

/** Bytes that an answer holds for one audience besides its name and its notifications. */
const AROUND_BYTES = 160;

/**
 * Recovers everything between the cursor and `head`, where this node's feed stands: live notifications follow right
 * after it. If there is nothing new, the store is not asked. What does not fit is not read.
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

/** Most reads of a log, of `maxNotifications` entries each, in search of notifications that have not expired. */
const MAX_READS = 10;

/**
 * The last `count` notifications up to `head`, in order. There are fewer if the log holds fewer or the answer has no
 * room. Expired ones do not count; beyond a large number of them the search ends.
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
    // Usually nothing has expired, and the first read is enough.
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
 * Whether the entries belong to the log that had this head. The log may have been replaced by one with other events
 * at the same offsets, and the feed may not know it yet. Those events come after its `resync`.
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

/** Bytes that the user's marks may add to a notification. */
const MARKS_BYTES = 42;

/** Bytes in the answer, with the comma that follows. */
function bytesOf({ json }: Stored): number {
  return Buffer.byteLength(json) + MARKS_BYTES + 1;
}
