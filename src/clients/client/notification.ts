/** A notification as an app is told it. */
import type { InboxItem as SentItem } from '../../contract/inbox.ts';
import type { Notification as Sent } from '../../contract/notification.ts';

/** What the app can count on: an event that has bytes in place of data has no member in it. */
interface WithData {
  readonly data: { readonly [key: string]: unknown };
}

export type Notification = Sent & WithData;

/** With the user's marks. */
export type InboxItem = SentItem & WithData;

/** An app that reads `data.title` MUST NOT fail because one of its company's services has sent a picture. */
export function withData<T extends Sent>(notification: T): T & WithData {
  return { ...notification, data: notification.data ?? {} };
}
