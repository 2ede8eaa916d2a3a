/** The entry of `carillon-client`: connects a user's device to Carillon. For browsers, Node and React Native. */
import { momentOf } from '../../contract/rfc3339.ts';
import type { Shown } from '../../contract/title.ts';
import type { ClientOptions } from './api.ts';
import { Client } from './client.ts';
import { environment, pageLanguages } from './environment.ts';
import type { Notification } from './notification.ts';
import { type Texts, textsIn } from './texts.ts';

export type { Marks } from '../../contract/inbox.ts';
export type { Session } from '../../contract/socket.ts';
export type {
  ClientEvents,
  ClientOptions,
  Inbox,
  NotificationContext,
  Publication,
  TopicOptions,
  Which,
} from './api.ts';
export type { Client } from './client.ts';
export type { ConnectionState, LossReason } from './connection.ts';
export type { CarillonError, ClientErrorCode } from './errors.ts';
export type { EventIdentity } from './identity.ts';
export type { InboxSnapshot } from './inbox-snapshot.ts';
export type { InboxItem, Notification } from './notification.ts';
export type { ClientStorage } from './storage.ts';
export type { Texts } from './texts.ts';

/**
 * Connects at once. Listeners that are added in the same turn miss nothing.
 *
 * @throws {CarillonError} `invalid_url`
 */
export function connect(options: ClientOptions): Client {
  return new Client(options, environment());
}

// Browsers, Node and React Native (from 0.74 on) have it; see environment.ts on why it is declared here.
declare function atob(base64: string): string;

/** The bytes that the event had in place of data; undefined when it had data. `datacontenttype` says what they are. */
export function bytesOf(
  notification: Pick<Notification, 'data_base64'>,
): Uint8Array<ArrayBuffer> | undefined {
  const { data_base64: base64 } = notification;
  return base64 === undefined ? undefined : Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0));
}

/**
 * What is shown of a notification: what its route says, else its data's title and body, else its type in words. All of it
 * is text, and none of it HTML.
 *
 * `languages`: BCP 47 tags, the most wanted first @default the page's `lang`, then those of the browser
 */
export function textsOf(notification: Shown, languages: readonly string[] = pageLanguages()): Texts {
  return textsIn(notification, languages);
}

/** When its event was, in milliseconds since 1970. RFC 3339 knows times that JavaScript's Date does not read. */
export function timeOf({ time }: Pick<Notification, 'time'>): number {
  return momentOf(time);
}
