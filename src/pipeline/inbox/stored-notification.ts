/** A notification as a log holds it → one that is written again as it is. */
import type { Display } from '../../contract/display.ts';
import { mendedJson, withOtherValue } from '../../contract/json-text.ts';
import { type Notification, parseNotification } from '../../contract/notification.ts';
import { asWritten, jsonTextOf, rememberText } from '../../contract/written.ts';

/**
 * `json`: versions before let halves of characters pass. `appendedAtMs`: what was appended before notifications had it
 * has it in the log alone.
 */
export function notificationIn(json: string, appendedAtMs?: number): Notification {
  const text = mendedJson(json);
  const notification = parseNotification(text);
  const found = written(notification, text);
  if (notification.at !== undefined || appendedAtMs === undefined) return found;
  return notificationWith(found, { at: Math.floor(appendedAtMs) });
}

/** The same with more members at its end, none of which it has. */
export function notificationWith<T extends object>(notification: Notification, more: T): Notification & T {
  const text = `${jsonTextOf(notification).slice(0, -1)},${JSON.stringify(more).slice(1)}`;
  return written({ ...notification, ...more }, text);
}

/** The same with another display in the place of its own. */
export function showing<T extends Notification>(notification: T, display: Display): T {
  const text = withOtherValue(jsonTextOf(notification), 'display', JSON.stringify(display));
  return written({ ...notification, display }, text);
}

function written<T extends object>(value: T, text: string): T {
  rememberText(value, text);
  return asWritten(value, text);
}
