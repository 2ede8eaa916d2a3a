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
}

/**
 * What lies between the cursor and `head`, where the feed of this node stands: what comes live begins right behind
 * it. Needs nothing of the store when there is nothing new.
 *
 * @throws {InboxUnavailable}
 */
export async function recover(
  { inbox, maxNotifications }: RecoveryOptions,
  audience: Audience,
  cursor: Cursor,
  head: Cursor,
): Promise<Missed> {
  const place = { epoch: head.epoch, head: head.offset };
  if (cursor.epoch === head.epoch && cursor.offset === head.offset)
    return { ...place, recovered: true, notifications: [] };
  const missing = { ...place, recovered: false, notifications: [] };
  const count = head.offset - cursor.offset;
  if (count < 0 || count > maxNotifications) return missing;
  if (cursor.epoch !== head.epoch && !holdsPlace(await inbox.incarnations(audience), cursor)) return missing;
  const stored = count === 0 ? [] : await inbox.read(audience, cursor.offset + 1, head.offset);
  if (stored.length !== count) return missing;
  return { ...place, recovered: true, notifications: stored.filter(isCurrent).map(notificationIn) };
}

function isCurrent({ expiresAtMs }: Stored): boolean {
  return expiresAtMs === undefined || expiresAtMs > Date.now();
}

function notificationIn({ json }: Stored): Notification {
  return JSON.parse(json);
}
