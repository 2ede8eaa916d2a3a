/** What an app gives the client, and what the client reports to it. */
import type { Marks } from '../../contract/inbox.ts';
import type { Resync, Session } from '../../contract/socket.ts';
import type { ConnectionState } from './connection.ts';
import type { CarillonError } from './errors.ts';
import type { EventIdentity } from './identity.ts';
import type { InboxSnapshot } from './inbox-snapshot.ts';
import type { Notification } from './notification.ts';
import type { ClientStorage } from './storage.ts';

export interface ClientOptions {
  /** Of the service, for example `https://notify.example.com`. */
  readonly url: string;
  /** A token that is valid now; asked for each connection, and before the last one ends. */
  readonly token: () => string | Promise<string>;
  /** Where cursors are kept; localStorage when there is one, otherwise memory. */
  readonly storage?: ClientStorage;
  /** The app's own name for this device. */
  readonly device?: string;
}

export interface TopicOptions {
  /**
   * Of what the topic was told before, so many of the last ones come first, as missed: when this device has not had
   * anything of the topic yet. Otherwise what it missed comes, be that more or less.
   */
  readonly last?: number;
}

/** An event for a topic. */
export interface Publication {
  /** Dotted words, for example chat.message. */
  readonly type: string;
  readonly data: { readonly [key: string]: unknown };
  /** The same one again is delivered once. */
  readonly id?: string;
}

export interface NotificationContext {
  /** It came while this client was away. */
  readonly isMissed: boolean;
  /** The user has seen it already, on another device: it is nothing new. */
  readonly isSeen: boolean;
}

export interface ClientEvents {
  /** Each notification in its audience's order, and each event once. */
  notification: [notification: Notification, context: NotificationContext];
  /** The same in only one of those of a browser's tabs that listen to this: show it to the user. */
  toast: [notification: Notification, context: NotificationContext];
  /** An event was taken back. */
  retracted: [event: EventIdentity];
  session: [session: Session];
  /** Some notifications of these audiences may never have come. The inbox is read again. */
  resync: [audiences: Resync['audiences']];
  /** This user's marks changed on another device or in another tab. The inbox has them already. */
  marks: [marks: Marks];
  state: [state: ConnectionState];
  error: [error: CarillonError];
}

/**
 * Events, as notifications or their `{ id, source }`; or all that the inbox holds now. An id alone means every event that
 * has it, whichever service sent it.
 */
export type Which = readonly (EventIdentity | string)[] | 'all';

/**
 * The inbox as an observable store. It reads the inbox once somebody looks (`subscribe`, `refresh`, `loadMore`), and
 * then after each reconnect. Methods are bound, as hooks take them. What is asked while there is no connection waits
 * for one; promises reject only for what the server would refuse again, which is reported as an error too.
 */
export interface Inbox extends InboxSnapshot {
  /** The same object until something changes. */
  readonly snapshot: InboxSnapshot;
  /** Calls the listener after each change, until the function that it returns is called. */
  readonly subscribe: (listener: () => void) => () => void;
  /** Reads the newest page, which takes the place of all that is here. */
  readonly refresh: () => Promise<void>;
  /** Reads what is older; nothing when there is no more. */
  readonly loadMore: () => Promise<void>;
  readonly markSeen: (which: Which) => Promise<void>;
  /** What is read is seen too. */
  readonly markRead: (which: Which) => Promise<void>;
  readonly markUnread: (which: Which) => Promise<void>;
  /** Leaves the list. What is archived is read too. */
  readonly markArchived: (which: Which) => Promise<void>;
}
