/** A device that runs `carillon-client` on real sockets, and leaves and returns when its test says so. */
import type { Inbox, Which } from '../../src/clients/client/api.ts';
import { Client } from '../../src/clients/client/client.ts';
import { environment } from '../../src/clients/client/environment.ts';
import type { MarkRequest } from '../../src/contract/inbox.ts';
import { watchServer } from './contracts/watch.ts';
import { markAs } from './inbox-story.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
import { until } from './until.ts';

const TIMEOUT_MS = 30_000;

/** A notification that the app received, and in which of the client's lives. */
export interface ToldNotification {
  readonly life: number;
  readonly audience: string;
  readonly offset: number;
  readonly event: string;
  readonly isMissed: boolean;
  readonly isSeen: boolean;
  /** The version of the user's marks in the last session message. */
  readonly version: number;
}

/** A mark as the user intended it: everything shown (by offsets), one id, or some events. */
export interface MeantMark {
  readonly as: MarkRequest['as'];
  readonly upTo?: Readonly<Record<string, number>>;
  readonly id?: string;
  readonly events?: readonly string[];
  isAnswered: boolean;
}

export class LiveInboxDevice {
  readonly told: ToldNotification[] = [];
  readonly errors: unknown[] = [];
  readonly marks: MeantMark[] = [];
  readonly #proxy: TcpProxy;
  readonly #token: string;
  readonly #topics = new Map<string, number | undefined>();
  /** The content of the storage after each write. */
  readonly #cursors: string[] = [];
  #client: Client;
  #wake = () => {};
  #life = 0;
  #version = 0;
  #pending: Promise<unknown>[] = [];

  private constructor(proxy: TcpProxy, token: string) {
    this.#proxy = proxy;
    this.#token = token;
    this.#client = this.#open();
  }

  /** `port`: a gateway's port. */
  static async start(port: number, token: string): Promise<LiveInboxDevice> {
    const proxy = await startTcpProxy(port);
    await watchServer(`http://127.0.0.1:${proxy.port}`);
    return new LiveInboxDevice(proxy, token);
  }

  get inbox(): Inbox {
    return this.#client.inbox;
  }

  get life(): number {
    return this.#life;
  }

  get topics(): readonly string[] {
    return [...this.#topics.keys()];
  }

  get isConnected(): boolean {
    return this.#client.state.status === 'connected';
  }

  hasBeenTold(event: string): boolean {
    return this.told.some((one) => one.life === this.#life && one.event === event);
  }

  mark(as: MarkRequest['as'], which: Which): void {
    const [first] = which;
    const { list } = this.inbox;
    const meant: MeantMark = {
      as,
      ...(which === 'all' && { upTo: placesOf(list) }),
      ...(which !== 'all' && typeof first === 'string' && { id: first }),
      ...(which !== 'all' &&
        typeof first === 'object' && {
          events: which.flatMap((one) => (typeof one === 'string' ? [] : [`${one.source} ${one.id}`])),
        }),
      isAnswered: false,
    };
    this.marks.push(meant);
    const answered = markAs(
      this.inbox,
      as,
    )(which).then(() => {
      meant.isAnswered = true;
    });
    this.#pending.push(answered.catch(() => {}));
  }

  subscribe(topic: string, last: number | undefined): void {
    if (this.#topics.has(topic)) return;
    this.#topics.set(topic, last);
    this.#enter(topic, last);
  }

  /**
   * Breaks the connection, and resolves when the client has noticed. The client returns by itself, or earlier when
   * `comeBack` is called.
   */
  async leave(): Promise<void> {
    if (!this.isConnected) return;
    await new Promise<void>((resolve) => {
      const stop = this.#client.on('state', () => {
        stop();
        resolve();
      });
      this.#proxy.cut();
    });
  }

  /** From now on the device uses the gateway at this port, once it is not connected. */
  comeBack(port: number): void {
    this.#proxy.moveTo(port);
    this.#wake();
  }

  /**
   * Opens the page again with the cursors from `back` writes ago, as after restoring a backup or copying another
   * device.
   */
  reload(port: number, back: number): void {
    this.#client.close();
    this.#proxy.moveTo(port);
    this.#cursors.length = Math.max(0, this.#cursors.length - back);
    this.#life += 1;
    this.#client = this.#open();
    for (const [topic, last] of this.#topics) this.#enter(topic, last);
  }

  async connected(): Promise<void> {
    await until('a device to be connected', TIMEOUT_MS, () => {
      this.#wake();
      return this.isConnected;
    });
  }

  /** Resolves when every request has its answer. MUST be called while the device is connected. */
  async answered(): Promise<void> {
    await Promise.all(this.#pending);
    this.#pending = [];
  }

  async close(): Promise<void> {
    this.#client.close();
    await this.#proxy.close();
  }

  #enter(topic: string, last: number | undefined): void {
    const entered = this.#client.subscribe(topic, last === undefined ? {} : { last });
    this.#pending.push(entered.catch(() => {}));
  }

  #open(): Client {
    const client = new Client(
      {
        url: `http://127.0.0.1:${this.#proxy.port}`,
        token: () => this.#token,
        storage: { get: () => this.#cursors.at(-1), set: (_key, text) => void this.#cursors.push(text) },
      },
      {
        ...environment(),
        // Devices are not tabs of one browser.
        openChannel: () => undefined,
        // Makes the client's random pauses before another request as short as possible.
        random: () => Math.random() / 50,
        onWake: (listener) => {
          this.#wake = () => listener(false);
          return () => {};
        },
      },
    );
    const life = this.#life;
    client.on('session', ({ version = 0 }) => {
      this.#version = version;
    });
    client.on('notification', ({ audience, offset, source, id }, { isMissed, isSeen }) => {
      const version = this.#version;
      this.told.push({ life, audience, offset, event: `${source} ${id}`, isMissed, isSeen, version });
    });
    client.on('error', (error) => this.errors.push(error));
    return client;
  }
}

/** The highest offset of each audience in a list. */
function placesOf(list: Inbox['list']): Record<string, number> {
  const places: Record<string, number> = {};
  for (const { audience, offset } of list) places[audience] = Math.max(offset, places[audience] ?? 0);
  return places;
}
