/** One simulated device: a client of its own with a storage of its own, which survives being switched off and on. */
import { batch, computed, signal } from '@preact/signals';
import {
  type CarillonError,
  type Client,
  type ClientStorage,
  type ConnectionState,
  connect,
  type InboxSnapshot,
  type Notification,
} from '../../../src/clients/client/connect.ts';
import type { Answer } from '../api.ts';
import type { Problem } from '../problem.ts';
import { Recoveries } from './recoveries.ts';
import { Toasts } from './toasts.ts';
import { type TopicLines, withHeard, withoutTopic, withTopic } from './topic-lines.ts';

export interface Identity {
  readonly user: string;
  readonly departments: readonly string[];
  /** Pasted by hand; empty when the service makes one. */
  readonly token: string;
}

interface DeviceOptions {
  readonly name: string;
  readonly identity: Identity;
  readonly topics: readonly string[];
  readonly gatewayUrl: string;
  readonly tokenOf: (identity: Identity) => Promise<Answer<string>>;
}

const EMPTY: InboxSnapshot = { list: [], unseen: 0, unread: 0, hasMore: false };

export class Device {
  readonly key = Symbol('device').toString() + Math.random().toString(36).slice(2);
  readonly name: string;
  readonly identity;
  readonly isOff = signal(false);
  readonly state = signal<ConnectionState>({ status: 'connecting' });
  readonly inbox = signal<InboxSnapshot>(EMPTY);
  /** Of the session; topics are not among them. */
  readonly audiences = signal<readonly string[]>([]);
  readonly topics;
  /** Why there is no token, or what the service refused. */
  readonly problem = signal<Problem | undefined>(undefined);
  readonly fault = signal('');
  /** How often it has rung. */
  readonly rings = signal(0);
  readonly toasts = new Toasts();
  readonly recoveries = new Recoveries();
  /** Everything that rings here while it is connected. */
  readonly hears = computed(() => {
    if (this.state.value.status !== 'connected') return [];
    const joined = this.topics.value.filter(({ status }) => status === 'joined');
    return [...this.audiences.value, ...joined.map(({ topic }) => `topic:${topic}`)];
  });
  readonly #options: DeviceOptions;
  #storage = memoryStorage();
  #client: Client | undefined;
  /** Whether the service could not be reached when it was asked for a token. */
  #isAway = false;

  constructor(options: DeviceOptions) {
    this.#options = options;
    this.name = options.name;
    this.identity = signal(options.identity);
    this.topics = signal(
      options.topics.reduce<TopicLines>((lines, topic) => withTopic(lines, topic, {}), []),
    );
    this.#open();
  }

  /** Nothing of another user's is kept. */
  become(identity: Identity): void {
    this.#client?.close();
    batch(() => {
      if (identity.user !== this.identity.value.user) {
        this.#storage = memoryStorage();
        this.inbox.value = EMPTY;
        this.topics.value = this.topics.value.map((line) => ({ ...line, heard: 0, last: undefined }));
      }
      this.identity.value = identity;
      this.isOff.value = false;
      this.audiences.value = [];
    });
    this.#open();
  }

  switchOff(): void {
    this.isOff.value = true;
    this.#client?.close();
    this.toasts.clear();
  }

  switchOn(): void {
    this.isOff.value = false;
    this.recoveries.expect();
    this.#open();
  }

  remove(): void {
    this.#client?.close();
    this.toasts.clear();
  }

  subscribe(topic: string): void {
    this.topics.value = withTopic(this.topics.value, topic, { status: 'joining', fault: '' });
    void this.#enter(topic);
  }

  unsubscribe(topic: string): void {
    this.topics.value = withoutTopic(this.topics.value, topic);
    void this.#client?.unsubscribe(topic);
  }

  mark(as: 'seen' | 'read' | 'unread' | 'archived', which: Parameters<Client['inbox']['markSeen']>[0]): void {
    const inbox = this.#client?.inbox;
    if (inbox === undefined) return;
    const marking = {
      seen: inbox.markSeen,
      read: inbox.markRead,
      unread: inbox.markUnread,
      archived: inbox.markArchived,
    }[as](which);
    // What is refused is told as an error as well.
    marking.catch(() => {});
  }

  async loadMore(): Promise<void> {
    await this.#client?.inbox.loadMore().catch(() => {});
  }

  #open(): void {
    const client = connect({
      url: this.#options.gatewayUrl,
      token: () => this.#token(),
      storage: this.#storage,
      device: this.name,
    });
    this.#client = client;
    this.state.value = client.state;
    this.fault.value = '';
    client.on('state', (state) => {
      // No token because the service is away is no connection, to whoever looks.
      const isAway = state.status === 'waiting' && state.reason === 'token_failed' && this.#isAway;
      this.state.value = isAway ? { ...state, reason: 'connection_lost' } : state;
    });
    client.on('session', ({ audiences, user }) => {
      this.audiences.value = Object.keys(audiences);
      this.problem.value = undefined;
      const own = this.identity.value;
      // A token that was pasted says who it is for.
      if (user !== own.user) this.identity.value = { ...own, user };
      this.recoveries.begin(
        Promise.allSettled(this.topics.value.map(({ topic }) => client.subscribe(topic))),
      );
    });
    client.on('notification', (notification, { isMissed }) => this.#ring(notification, isMissed));
    client.on('resync', () => this.recoveries.lose());
    client.on('error', (error) => this.#fail(error));
    client.inbox.subscribe(() => {
      this.inbox.value = client.inbox.snapshot;
    });
    for (const { topic } of this.topics.value) void this.#enter(topic);
  }

  /** The client asks for every connection. */
  async #token(): Promise<string> {
    const identity = this.identity.value;
    if (identity.token !== '') return identity.token;
    const answer = await this.#options.tokenOf(identity);
    this.#isAway = !answer.ok && answer.problem.status === 0;
    if (answer.ok) return answer.value;
    this.problem.value = this.#isAway ? undefined : answer.problem;
    throw new Error(answer.problem.detail);
  }

  async #enter(topic: string): Promise<void> {
    const client = this.#client;
    if (client === undefined || this.isOff.value) return;
    const change = (lines: Parameters<typeof withTopic>[2]) => {
      const isWanted = this.topics.value.some((line) => line.topic === topic);
      if (isWanted && client === this.#client) this.topics.value = withTopic(this.topics.value, topic, lines);
    };
    try {
      await client.subscribe(topic);
      change({ status: 'joined', fault: '' });
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error);
      if (client.state.status !== 'closed') change({ status: 'refused', fault });
    }
  }

  #ring(notification: Notification, isMissed: boolean): void {
    batch(() => {
      this.topics.value = withHeard(this.topics.value, notification);
      if (isMissed) {
        this.recoveries.add(notification);
        return;
      }
      this.rings.value += 1;
      this.toasts.show(notification);
    });
  }

  #fail({ code, message }: CarillonError): void {
    // The state says these already, or the problem of the token does.
    if (code === 'token_failed' || code === 'no_answer') return;
    this.fault.value = `${code}: ${message}`;
  }
}

function memoryStorage(): ClientStorage {
  const kept = new Map<string, string>();
  return { get: (key) => kept.get(key), set: (key, value) => kept.set(key, value) };
}
