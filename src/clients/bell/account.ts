/** The user of the bell: the client, and what it receives, live notifications apart from what was missed. */
import {
  type CarillonError,
  type Client,
  type ClientOptions,
  type ConnectionState,
  connect,
  type Notification,
} from '../client/connect.ts';
import { notificationKeyOf } from './contents.ts';

export interface AccountActions {
  /** The inbox or the connection is another. */
  readonly onChange: () => void;
  /** For the app. */
  readonly tell: (type: 'carillon-state' | 'carillon-error', detail: ConnectionState | CarillonError) => void;
  readonly onSession: () => void;
  /** False: it MUST NOT be shown as a toast. */
  readonly onArrival: (notification: Notification, isOld: boolean) => boolean;
  readonly onToast: (notification: Notification) => void;
  /** So many came together, after there was no connection. */
  readonly onBulk: (count: number) => void;
}

/** What was missed comes in one go, and each toast some time later, when the tabs have agreed whose it is. */
const BULK_MS = 400;

export class Account {
  readonly client: Client;
  /** Whether the inbox was read. */
  isLoaded = false;
  readonly #actions: AccountActions;
  readonly #suppressed = new WeakSet<Notification>();
  #missed: Notification[] = [];
  #stop: (() => void) | undefined;

  constructor(options: ClientOptions, actions: AccountActions) {
    this.#actions = actions;
    const client = connect(options);
    this.client = client;
    client.on('state', (state) => {
      actions.tell('carillon-state', state);
      actions.onChange();
    });
    client.on('error', (error) => actions.tell('carillon-error', error));
    client.on('session', actions.onSession);
    client.on('notification', (notification, { isMissed, isSeen }) => {
      if (!actions.onArrival(notification, isMissed || isSeen)) this.#suppressed.add(notification);
    });
    const loaded = () => {
      this.isLoaded = true;
      actions.onChange();
    };
    // A failure is told as an error.
    client.inbox.refresh().then(loaded, () => {});
    client.inbox.subscribe(actions.onChange);
  }

  /** A tab that shows no toasts MUST NOT listen to them: another one would not get them. */
  listen(isWanted: boolean): void {
    if (isWanted) this.#stop ??= this.client.on('toast', (one, { isMissed }) => this.#toast(one, isMissed));
    else {
      this.#stop?.();
      this.#stop = undefined;
    }
  }

  #toast(notification: Notification, isMissed: boolean): void {
    // Topics are not in the inbox: nobody wants a toast for each price of a ticker.
    if (this.#suppressed.has(notification) || notification.audience.startsWith('topic:')) return;
    if (!isMissed) this.#actions.onToast(notification);
    else if (this.#missed.push(notification) === 1) setTimeout(() => this.#flush(), BULK_MS);
  }

  #flush(): void {
    // By now the inbox was read again: what was seen on another device meanwhile is nothing new.
    if (this.client.state.status === 'closed') return;
    const { list, hasMore } = this.client.inbox;
    const items = new Map(list.map((item) => [notificationKeyOf(item), item]));
    // What is not in the list was archived, taken back or replaced, unless it is further down.
    const missed = this.#missed.filter((one) => !(items.get(notificationKeyOf(one))?.seen ?? !hasMore));
    this.#missed = [];
    const [first] = missed;
    if (missed.length > 1) this.#actions.onBulk(missed.length);
    else if (first !== undefined) this.#actions.onToast(first);
  }
}
