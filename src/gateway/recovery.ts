/** Recovery: what a client missed in one audience since its cursor, whole or not at all. */
import type { Audience } from '../contract/audience.ts';
import { holdsPlace } from '../contract/incarnations.ts';
import type { Cursor, Notification } from '../contract/notification.ts';
import type { Missed } from '../contract/recovery.ts';
import type { Inbox, Stored } from '../inbox/inbox.ts';

export interface RecoveryOptions {
  readonly inbox: Inbox;
  /** More than this is not recovered: the client reads the inbox instead. */
  readonly maxNotifications: number;
  readonly onRecovery: (result: RecoveryResult, notifications: number) => void;
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
  { inbox, maxNotifications, onRecovery }: RecoveryOptions,
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
  if (stored.length !== count) return missing('lost');
  return whole('recovered', stored.filter(isCurrent).map(notificationIn));
}

function isCurrent({ expiresAtMs }: Stored): boolean {
  return expiresAtMs === undefined || expiresAtMs > Date.now();
}

function notificationIn({ json }: Stored): Notification {
  return JSON.parse(json);
}
