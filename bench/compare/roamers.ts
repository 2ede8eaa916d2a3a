/**
 * Clients that come back. Each is connected to one of several servers. When it loses the connection, it waits for about
 * a second, as Socket.IO clients do by default, and goes to the next server.
 */
import { z } from 'zod';
import { Client, type Protocol } from '../support/client.ts';
import { inHand } from '../support/load.ts';

/** The defaults of Socket.IO's `reconnectionDelay` and `randomizationFactor`. */
const [RETRY_MS, SPREAD] = [1_000, 0.5];

/** One client in this many reads everything that it gets. The others only count. */
const READERS = 50;

const notificationSchema = z.tuple([z.string(), z.object({ id: z.string() })]);

export interface RoamersOptions {
  readonly ports: readonly number[];
  readonly protocol: Protocol;
  readonly tokens: readonly string[];
  /** Called when a reader receives this event. */
  readonly onEvent: (id: string) => void;
}

export class Roamers {
  readonly #options: RoamersOptions;
  readonly #clients = new Map<number, Client>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #connected = 0;
  #isClosed = false;

  constructor(options: RoamersOptions) {
    this.#options = options;
  }

  /** How many clients are connected now. */
  get connected(): number {
    return this.#connected;
  }

  /** Resolves when every client has connected for the first time. Users are spread over the servers in turns. */
  async connect(maxOpening: number): Promise<void> {
    const { ports, tokens } = this.#options;
    await inHand(maxOpening, tokens.length, (user) => this.#open(user, user % ports.length));
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const client of this.#clients.values()) client.close();
  }

  /** Resolves when this attempt has succeeded. When it fails, it never resolves, and another attempt follows. */
  async #open(user: number, at: number): Promise<void> {
    const { ports, protocol, tokens, onEvent } = this.#options;
    const isReader = user % READERS === 0;
    let isConnected = false;
    const client = new Client({
      ...protocol,
      port: ports[at] ?? 0,
      token: tokens[user] ?? '',
      readsAll: isReader,
      onNotification: (_nth, text) => {
        if (isReader) onEvent(idIn(text));
      },
      onFailure: () => {
        if (isConnected) this.#connected -= 1;
        this.#clients.delete(user);
        this.#openLater(user, (at + 1) % ports.length);
      },
    });
    this.#clients.set(user, client);
    await client.connected;
    isConnected = true;
    this.#connected += 1;
  }

  #openLater(user: number, at: number): void {
    if (this.#isClosed) return;
    const delayMs = RETRY_MS * (1 + SPREAD * (2 * Math.random() - 1));
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#open(user, at);
    }, delayMs);
    this.#timers.add(timer);
  }
}

function idIn(text: string): string {
  const [, { id }] = notificationSchema.parse(JSON.parse(text.slice(2)));
  return id;
}
