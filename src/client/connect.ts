/** The entry of `carillon/client`: connects a user's device to Carillon. For browsers, Node and React Native. */
import type { ClientOptions } from './api.ts';
import { Client } from './client.ts';
import { environment } from './environment.ts';

export type { InboxItem, Marks } from '../contract/inbox.ts';
export type { Notification } from '../contract/notification.ts';
export type { Session } from '../contract/socket.ts';
export type { ClientEvents, ClientOptions, Inbox, NotificationContext, Publication, Which } from './api.ts';
export type { Client } from './client.ts';
export type { ConnectionState, LossReason } from './connection.ts';
export type { CarillonError, ClientErrorCode } from './errors.ts';
export type { EventIdentity } from './identity.ts';
export type { InboxSnapshot } from './inbox-state.ts';
export type { ClientStorage } from './storage.ts';

/** Connects at once. Listeners that are added in the same turn miss nothing. */
export function connect(options: ClientOptions): Client {
  return new Client(options, environment());
}
