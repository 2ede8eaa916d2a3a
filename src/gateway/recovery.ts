/** Recovery: what a client missed in one audience since its cursor, whole or not at all; or the last so many. */
import type { Audience } from '../contract/audience.ts';
import { hasWritten, holdsPlace } from '../contract/incarnations.ts';
import type { Cursor, Notification } from '../contract/notification.ts';
import type { Missed } from '../contract/recovery.ts';
import type { Inbox, Stored } from '../inbox/inbox.ts';

export interface RecoveryOptions {
  readonly inbox: Pick<Inbox, 'read' | 'readNewest' | 'incarnations'>;
  /** More than this is not recovered: the client reads the inbox instead. */
  readonly maxNotifications: number;
  readonly onRecovery: (result: RecoveryResult, notifications: number) => void;
  /** The time by which notifications expire. */
  readonly now: () => number;
}

/**
 * `current`: nothing had come since. `too_many` had. `lost`: the log does not hold all of it any more, or never held
 * the cursor.
 */
export type RecoveryResult = 'current' | 'recovered' | 'too_many' | 'lost';

/**
 * What lies between the cursor and `head`, where the feed of this node stands: what comes live begins right behind
 * it. Needs nothing of the store when there is nothing new.
 *
 * @throws {InboxUnavailable}
 */
export async function recover(
  { inbox, maxNotifications, onRecovery, now }: RecoveryOptions,
  audience: Audience,
  cursor: Cursor,
  head: Cursor,
): Promise<Missed> {
  const place = { epoch: head.epoch, head: head.offset };
  const missing = (result: RecoveryResult): Missed => {
    onRecovery(result, 0);
    return { ...place, recovered: false, notifications: [] };
  };
  const whole = (result: RecoveryResult, notifications: Notification[]): Missed => {
    onRecovery(result, notifications.length);
    return { ...place, recovered: true, notifications };
  };
  if (cursor.epoch === head.epoch && cursor.offset === head.offset) return whole('current', []);
  const count = head.offset - cursor.offset;
  if (count < 0) return missing('lost');
  if (count > maxNotifications) return missing('too_many');
  if (cursor.epoch !== head.epoch && !holdsPlace(await inbox.incarnations(audience), cursor))
    return missing('lost');
  if (count === 0) return whole('current', []);
  const stored = await inbox.read(audience, cursor.offset + 1, head.offset);
  if (stored.length !== count || !(await leadsTo(inbox, audience, cursor, head, stored)))
    return missing('lost');
  return whole('recovered', stored.filter(isCurrentAt(now())).map(notificationIn));
}

/** Read of a log in search of those that have not expired, in so many reads of as many as may be recovered. */
const MAX_READS = 10;

/**
 * The last `count` up to `head`, in order: fewer when the log does not hold so many any more. The expired do not count;
 * who wants what lies behind a great many of them does not get it.
 *
 * @throws {InboxUnavailable}
 */
export async function lastOf(
  { inbox, maxNotifications, now }: RecoveryOptions,
  audience: Audience,
  count: number,
  place: Cursor,
): Promise<Missed> {
  const { epoch, offset: head } = place;
  const isCurrent = isCurrentAt(now());
  /** Newest first. */
  const found: Stored[] = [];
  let upTo = head;
  for (let reads = 0; reads < MAX_READS && upTo > 0 && found.length < count; reads += 1) {
    // Mostly nothing has expired, and then the first read has them all.
    const limit = reads === 0 ? count : maxNotifications;
    const read = await inbox.readNewest(audience, 1, upTo, limit);
    found.push(...read.filter(isCurrent));
    upTo = read.length < limit ? 0 : (read.at(-1)?.offset ?? 1) - 1;
  }
  if (!(await leadsTo(inbox, audience, place, place, found)))
    return { epoch, head, recovered: false, notifications: [] };
  const notifications = found.slice(0, count).toReversed().map(notificationIn);
  return { epoch, head, recovered: true, notifications };
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

function notificationIn({ json }: Stored): Notification {
  return JSON.parse(json);
}
