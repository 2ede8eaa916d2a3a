/**
 * Adds the user's marks to what a client missed, so that what another device has seen or read is not new on this one.
 */
import type { Audience } from '../../contract/audience.ts';
import type { Flags, MarksView } from '../../contract/inbox.ts';
import type { Notification } from '../../contract/notification.ts';
import type { Missed, MissedNotification } from '../../contract/recovery.ts';
import { notificationWith } from '../../pipeline/inbox/stored-notification.ts';

export function withMarks(missed: Missed, audience: Audience, { flagsOf }: MarksView): Missed {
  const notifications = missed.notifications.map((one) => marked(one, flagsOf(audience, one.offset)));
  return { ...missed, notifications };
}

function marked(notification: Notification, { seen, read, archived }: Flags): MissedNotification {
  if (!seen && !read && !archived) return notification;
  return notificationWith(notification, {
    ...(seen && { seen }),
    ...(read && { read }),
    ...(archived && { archived }),
  });
}
