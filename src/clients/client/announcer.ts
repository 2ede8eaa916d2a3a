/** Tells the app: listeners, loops, the inbox, and of a browser's tabs one. */
import type { Resync } from '../../contract/socket.ts';
import type { ClientEvents } from './api.ts';
import type { ConnectionState } from './connection.ts';
import { callSafely, Emitter } from './emitter.ts';
import { CarillonError } from './errors.ts';
import { retractedBy } from './identity.ts';
import type { InboxStore } from './inbox-store.ts';
import { createFeed, type Feed } from './iteration.ts';
import type { Notification } from './notification.ts';
import type { User } from './user.ts';

export interface AnnouncerOptions {
  readonly inbox: InboxStore;
  readonly user: () => User | undefined;
}

export class Announcer {
  readonly emitter = new Emitter<ClientEvents>();
  readonly #options: AnnouncerOptions;
  readonly #feeds = new Set<Feed<Notification>>();
  #isEnded = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  iterate(): AsyncIterator<Notification> {
    const feed = createFeed<Notification>(() => this.#feeds.delete(feed));
    if (this.#isEnded) feed.end();
    else this.#feeds.add(feed);
    return feed;
  }

  notification(notification: Notification, isMissed: boolean): void {
    const { inbox, user } = this.#options;
    const retracted = retractedBy(notification);
    if (retracted !== undefined) {
      this.emitter.emit('retracted', retracted);
      return;
    }
    const context = { isMissed, isSeen: inbox.hasSeen(notification) };
    this.emitter.emit('notification', notification, context);
    for (const feed of this.#feeds) feed.push(notification);
    // A tab that shows nothing MUST NOT claim what another would show.
    if (context.isSeen || !this.emitter.isHeard('toast')) return;
    user()?.showOnce(notification, () => {
      // Meanwhile it may have been seen elsewhere.
      if (!inbox.hasSeen(notification)) this.emitter.emit('toast', notification, context);
    });
  }

  resync(audiences: Resync['audiences']): void {
    this.#options.inbox.onResync(audiences);
    this.emitter.emit('resync', audiences);
  }

  error(error: unknown): void {
    if (!(error instanceof CarillonError))
      callSafely(() => {
        throw error;
      });
    // Nobody needs word that what they closed is closed.
    else if (error.code !== 'closed') this.emitter.emit('error', error);
  }

  /** The last that anybody gets. */
  end(state: ConnectionState): void {
    this.#isEnded = true;
    this.emitter.emit('state', state);
    this.emitter.clear();
    for (const feed of [...this.#feeds]) feed.end();
  }
}
