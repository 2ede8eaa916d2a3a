/** The entry of `carillon-client/react`: a user's notifications as state of a component. React 18 or later. */
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import {
  type Client,
  type ClientEvents,
  type ClientOptions,
  type ConnectionState,
  connect,
  type Inbox,
  type InboxItem,
  type Notification,
} from '../client/connect.ts';

export interface CarillonOptions extends Omit<ClientOptions, 'token'> {
  /** One that does not change; another one connects anew. Tokens end: `getToken` gives fresh ones. */
  readonly token?: string | undefined;
  /** Asked for each connection, and before the last token ends. May be another function in each rendering. */
  readonly getToken?: (() => Promise<string>) | undefined;
}

type Methods = Pick<Inbox, 'refresh' | 'loadMore' | 'markSeen' | 'markRead' | 'markUnread' | 'markArchived'>;

/** The functions stay the same as long as the client does. */
export interface Carillon extends Methods {
  /** Newest first. */
  readonly notifications: readonly InboxItem[];
  readonly unseen: number;
  readonly unread: number;
  readonly hasMore: boolean;
  readonly state: ConnectionState;
  /** Undefined in the first rendering, on the server, and while there is no token or the url cannot be used. */
  readonly client: Client | undefined;
}

const EMPTY = { list: [], unseen: 0, unread: 0, hasMore: false } as const;
const CONNECTING = { status: 'connecting' } as const;
const NO_CLIENT: Opened = { client: undefined, failure: undefined };
const INVALID_URL: Opened = { client: undefined, failure: { status: 'closed', reason: 'invalid_url' } };

interface Opened {
  readonly client: Client | undefined;
  /** Why there is none. */
  readonly failure: ConnectionState | undefined;
}

/** Connected as long as the component is there, and has a `url` and a token. */
export function useCarillon(options: CarillonOptions): Carillon {
  const { client, failure } = useClient(options);
  const inbox = useSyncExternalStore(
    client?.inbox.subscribe ?? subscribeToNothing,
    () => client?.inbox.snapshot ?? EMPTY,
    () => EMPTY,
  );
  const subscribeToState = useMemo(
    () => (client === undefined ? subscribeToNothing : (told: () => void) => client.on('state', told)),
    [client],
  );
  const state = useSyncExternalStore(
    subscribeToState,
    () => client?.state ?? CONNECTING,
    () => CONNECTING,
  );
  const methods = useMemo(() => methodsOf(client), [client]);
  const { list: notifications, unseen, unread, hasMore } = inbox;
  return { ...methods, notifications, unseen, unread, hasMore, state: failure ?? state, client };
}

/** Calls the listener of the last rendering. */
export function useClientEvent<Name extends keyof ClientEvents>(
  client: Client | undefined,
  name: Name,
  listener: (...args: ClientEvents[Name]) => void,
): void {
  const latest = useLatest(listener);
  useEffect(() => client?.on(name, (...args) => latest.current(...args)), [client, name, latest]);
}

/** In the topic as long as one of the components that ask for it is there. A refusal is reported as an error. */
export function useTopic(
  client: Client | undefined,
  topic: string,
  onNotification: (notification: Notification) => void,
): void {
  const name = topic.normalize('NFC');
  useClientEvent(client, 'notification', (notification) => {
    if (notification.audience === `topic:${name}`) onNotification(notification);
  });
  useEffect(() => (client === undefined ? undefined : enter(client, name)), [client, name]);
}

function useClient({ url, token, getToken, storage, device }: CarillonOptions): Opened {
  const latest = useLatest({ getToken, storage, device });
  const [opened, setOpened] = useState(NO_CLIENT);
  const hasGetToken = getToken !== undefined;
  // Another token means nothing when nobody asks for it.
  const fixedToken = hasGetToken ? '' : (token ?? '');
  useEffect(() => {
    if (url === '' || (!hasGetToken && fixedToken === '')) return undefined;
    const { storage, device } = latest.current;
    let client: Client;
    try {
      client = connect({
        url,
        token: () => latest.current.getToken?.() ?? fixedToken,
        ...(storage && { storage }),
        ...(device !== undefined && { device }),
      });
    } catch (error) {
      setOpened(INVALID_URL);
      // Where it is seen, instead of taking the component away.
      void Promise.reject(error);
      return () => setOpened(NO_CLIENT);
    }
    setOpened({ client, failure: undefined });
    return () => {
      client.close();
      setOpened(NO_CLIENT);
    };
  }, [url, fixedToken, hasGetToken, latest]);
  return opened;
}

/** Written after each rendering, and before the effects that are declared after it. */
function useLatest<T>(value: T) {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return latest;
}

const subscribeToNothing = () => () => {};

function methodsOf(client: Client | undefined): Methods {
  const inbox = client?.inbox;
  // Before there is a client nothing is shown that could be marked.
  const nothing = () => Promise.resolve();
  return {
    refresh: inbox?.refresh ?? nothing,
    loadMore: inbox?.loadMore ?? nothing,
    markSeen: inbox?.markSeen ?? nothing,
    markRead: inbox?.markRead ?? nothing,
    markUnread: inbox?.markUnread ?? nothing,
    markArchived: inbox?.markArchived ?? nothing,
  };
}

/** How many components are in a topic. */
const counts = new WeakMap<Client, Map<string, number>>();

function enter(client: Client, topic: string): () => void {
  const counted = counts.get(client) ?? new Map<string, number>();
  counts.set(client, counted);
  const add = (by: number) => counted.set(topic, (counted.get(topic) ?? 0) + by);
  add(1);
  client.subscribe(topic).catch(() => {});
  return () => {
    add(-1);
    // A component that comes back in the same turn, as in StrictMode, has not left.
    queueMicrotask(() => {
      if (counted.get(topic) === 0) void client.unsubscribe(topic);
    });
  };
}
