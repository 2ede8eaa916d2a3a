/** A user's notifications on one device: joins the connection, the order of what comes, the inbox and the topics. */
import type { Session } from '../../contract/socket.ts';
import { Announcer } from './announcer.ts';
import type { ClientEvents, ClientOptions, Inbox, Publication, TopicOptions } from './api.ts';
import { Connection, type ConnectionState } from './connection.ts';
import type { CursorMap } from './cursors.ts';
import { type Environment, endable } from './environment.ts';
import { Handshake, type Presented } from './handshake.ts';
import { newId } from './identity.ts';
import { InboxStore } from './inbox-store.ts';
import type { Notification } from './notification.ts';
import { recover } from './recovery.ts';
import { Requests } from './requests.ts';
import { defaultStorage } from './storage.ts';
import { TokenRefresh } from './token-refresh.ts';
import { Topics } from './topics.ts';
import { User, type UserOptions } from './user.ts';

export class Client implements AsyncIterable<Notification> {
  readonly #environment: Environment;
  readonly #userOptions: UserOptions;
  readonly #requests: Requests;
  readonly #topics: Topics;
  readonly #inbox: InboxStore;
  readonly #announcer: Announcer;
  readonly #tokenRefresh: TokenRefresh;
  readonly #handshake: Handshake;
  readonly #connection: Connection;
  readonly #endTimers: () => void;
  /** The present one. */
  #session: Session | undefined;
  /** Of the last session. */
  #user: User | undefined;
  /** How much the server's clock is ahead of this one. */
  #clockLeadMs = 0;

  /** @throws {CarillonError} `invalid_url` */
  constructor(options: ClientOptions, around: Environment) {
    const { environment, end } = endable(around);
    this.#endTimers = end;
    const now = () => environment.now() + this.#clockLeadMs;
    const user = () => this.#user;
    const onError = (error: unknown) => this.#announcer.error(error);
    this.#environment = environment;
    this.#requests = new Requests(environment, (name, body) => this.#connection.send(name, body), onError);
    const requests = this.#requests;
    const offsets = () => this.#user?.offsets() ?? {};
    this.#inbox = new InboxStore({ environment, requests, now, offsets, onError });
    this.#announcer = new Announcer({ inbox: this.#inbox, user });
    this.#topics = new Topics({ requests, user, announcer: this.#announcer });
    this.#tokenRefresh = new TokenRefresh({ environment, refresh: () => this.#authenticate(), onError });
    this.#userOptions = {
      url: options.url,
      storage: options.storage ?? defaultStorage(environment),
      environment,
      now,
      tell: (notification, isMissed) => this.#announcer.notification(notification, isMissed),
      onCopy: (notification) => this.#inbox.onCopy(notification),
    };
    this.#handshake = new Handshake(options, this.#userOptions);
    this.#connection = new Connection({
      url: options.url,
      environment,
      auth: () => this.#handshake.auth(this.#user),
      onState: (state) => this.#onState(state),
      onError,
    });
    this.#listen();
  }

  get inbox(): Inbox {
    return this.#inbox;
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  /** What it returns ends the listening. */
  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (...args: ClientEvents[Name]) => void,
  ): () => void {
    return this.#announcer.emitter.on(name, listener);
  }

  /** Every notification from now on, until `close()`. */
  [Symbol.asyncIterator](): AsyncIterator<Notification> {
    return this.#announcer.iterate();
  }

  /**
   * Gets a topic's notifications, now and after each reconnect, until `unsubscribe`. Resolves when they are in force;
   * rejects when the token does not allow it, which is told as an error too.
   */
  subscribe(topic: string, options: TopicOptions = {}): Promise<void> {
    return this.#topics.add(topic.normalize(), options);
  }

  unsubscribe(topic: string): Promise<void> {
    return this.#topics.remove(topic.normalize());
  }

  /**
   * Publishes an event to a topic, which needs the token's claim `publish`. Resolves with its id once it will not be
   * lost; after an outage it is sent again, and delivered once. Rejects when it is refused, which is told as an error
   * too, or the client is closed.
   */
  async publish(topic: string, { type, data, id = newId(this.#environment) }: Publication): Promise<string> {
    const body = { topic, type, data, id };
    try {
      await this.#requests.askUntilAnswered('publish', () => body);
    } catch (error) {
      this.#announcer.error(error);
      throw error;
    }
    return id;
  }

  /** Ends everything for good. Listeners are told the state, and then nothing any more. */
  close(): void {
    this.#connection.close();
  }

  #listen(): void {
    const { socket } = this.#connection;
    socket.on('session', (session) => this.#onSession(session));
    socket.on('notification', (notification) => {
      // The last ones of a topic that was left may still be on their way.
      if (this.#topics.isLeft(notification.audience)) return;
      this.#user?.ordering.live(notification);
    });
    socket.on('resync', ({ audiences }) => {
      for (const [audience, head] of Object.entries(audiences)) this.#user?.ordering.reset(audience, head);
      this.#announcer.resync(audiences);
    });
    socket.on('marks', (marks) => {
      this.#inbox.onMarks(marks);
      this.#announcer.emitter.emit('marks', marks);
    });
  }

  #onSession(session: Session): void {
    // A listener of the state may have closed it.
    if (this.state.status !== 'connected') return;
    const presented = this.#handshake.presentedFor(session.user);
    const isFirst = this.#session === undefined;
    const serverTimeMs = Date.parse(session.serverTime);
    this.#session = session;
    this.#clockLeadMs = serverTimeMs - this.#environment.now();
    const user = this.#become(session.user, presented?.cursors);
    for (const audience of Object.keys(session.audiences)) user.ordering.hold(audience);
    this.#tokenRefresh.start(Date.parse(session.expiresAt) - serverTimeMs);
    this.#requests.open(session.limits);
    this.#inbox.onSession(session);
    this.#announcer.emitter.emit('session', session);
    void this.#begin(user, session, isFirst ? presented : AGAIN);
  }

  #become(name: string, cursors: CursorMap | undefined): User {
    if (this.#user?.name === name) return this.#user;
    if (this.#user !== undefined) this.#inbox.clear();
    this.#user?.close();
    this.#user = new User(name, this.#userOptions, cursors);
    return this.#user;
  }

  /** Without `presented` the handshake could not say whose cursors to send: they are asked about now. */
  async #begin(user: User, session: Session, presented: Presented | typeof AGAIN | undefined): Promise<void> {
    const isPresent = () => this.#session === session;
    if (presented === undefined) user.ordering.restore(await user.load());
    if (!isPresent()) return;
    this.#topics.enterAll();
    const recovering = { user, requests: this.#requests, announcer: this.#announcer, isPresent };
    const { cursors } = user.ordering;
    // What the handshake did not ask for, though it is known.
    const isLeft = (audience: string) =>
      presented !== AGAIN && cursors.has(audience) && !presented?.inHandshake.has(audience);
    const [left, asked] = partition(session.audiences, isLeft);
    await Promise.all([
      recover(recovering, asked, session.missed ?? {}),
      recover(recovering, left, undefined),
    ]);
  }

  async #authenticate(): Promise<number> {
    const token = await this.#handshake.token();
    const { expiresAt } = await this.#requests.ask('authenticate', { token });
    return Date.parse(expiresAt) - (this.#environment.now() + this.#clockLeadMs);
  }

  #onState(state: ConnectionState): void {
    if (state.status !== 'connected') {
      const wasTooLarge = state.status === 'waiting' && state.reason === 'message_too_large';
      if (wasTooLarge && this.#session === undefined) this.#handshake.wasTooLarge();
      this.#session = undefined;
      this.#requests.suspend(wasTooLarge);
      this.#tokenRefresh.stop();
      this.#user?.ordering.dropHeld();
    }
    if (state.status !== 'closed') {
      this.#announcer.emitter.emit('state', state);
      return;
    }
    this.#requests.close();
    this.#inbox.close();
    this.#user?.close();
    this.#announcer.end(state);
    this.#endTimers();
  }
}

/** In a session that is told once more nothing was missed: what came before its heads was live. */
const AGAIN = 'again';

function partition<T>(
  entries: Readonly<Record<string, T>>,
  isFirst: (name: string) => boolean,
): [Record<string, T>, Record<string, T>] {
  const [first, second]: [Record<string, T>, Record<string, T>] = [{}, {}];
  for (const [name, value] of Object.entries(entries)) (isFirst(name) ? first : second)[name] = value;
  return [first, second];
}
