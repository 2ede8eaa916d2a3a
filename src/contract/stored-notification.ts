/** A notification as a log holds it → one that is written again as it is. */
import { mendedJson } from './json-text.ts';
import type { Notification } from './notification.ts';
import { asWritten } from './written.ts';

/** `json`: checked when it came in, and made by us; versions before let halves of characters pass. */
export function notificationIn(json: string): Notification {
  const text = mendedJson(json);
  return asWritten<Notification>(JSON.parse(text), text);
}

/** The same with more members at its end. */
export function notificationWith<T extends object>(json: string, more: T): Notification & T {
  const text = mendedJson(json);
  const notification: Notification = JSON.parse(text);
  return asWritten({ ...notification, ...more }, `${text.slice(0, -1)},${JSON.stringify(more).slice(1)}`);
}
