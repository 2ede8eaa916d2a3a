/** What a client keeps for the user that it is connected as: how far they were told, and their other tabs. */
import { type CursorMap, StoredCursors } from './cursors.ts';
import type { Environment } from './environment.ts';
import { eventKeyOf } from './identity.ts';
import type { Notification } from './notification.ts';
import { Ordering } from './ordering.ts';
import type { ClientStorage } from './storage.ts';
import { Tabs } from './tabs.ts';
import { within } from './within.ts';

export interface UserOptions {
  readonly url: string;
  readonly storage: ClientStorage;
  readonly environment: Environment;
  /** By the server's clock. */
  readonly now: () => number;
  readonly tell: (notification: Notification, isMissed: boolean) => void;
  readonly onCopy: (notification: Notification) => void;
}

export class User {
  readonly name: string;
  readonly ordering: Ordering;
  readonly #stored: StoredCursors;
  readonly #tabs: Tabs;
  readonly #options: UserOptions;

  constructor(name: string, options: UserOptions, cursors?: CursorMap) {
    const { now, tell, onCopy } = options;
    this.name = name;
    this.#options = options;
    this.#stored = storedCursors(name, options);
    this.ordering = new Ordering(
      { now, tell, onCopy, onMoved: () => this.#stored.save(this.ordering.cursors) },
      cursors,
    );
    this.#tabs = new Tabs(options.environment, nameOf('toast', name, options.url));
  }

  load(): Promise<CursorMap> {
    return loadCursors(this.name, this.#options);
  }

  /** The last offset of each audience that the app has been told. */
  offsets(): Record<string, number> {
    return Object.fromEntries([...this.ordering.cursors].map(([audience, { offset }]) => [audience, offset]));
  }

  forget(audience: string): void {
    this.ordering.forget(audience);
    this.#stored.forget(audience, this.ordering.cursors);
  }

  /** Runs `show` in one of the tabs that call this for the notification. */
  showOnce(notification: Notification, show: () => void): void {
    this.#tabs.claim(eventKeyOf(notification), show);
  }

  close(): void {
    this.#tabs.close();
  }
}

/** A storage that does not answer costs cursors and nothing else. */
const STORAGE_MS = 5_000;

/** Also for the handshake, before the server has said whose connection it is. */
export async function loadCursors(
  user: string,
  options: Pick<UserOptions, 'url' | 'storage' | 'environment'>,
): Promise<CursorMap> {
  try {
    return await within(options.environment, STORAGE_MS, () => storedCursors(user, options).load());
  } catch {
    return new Map();
  }
}

function storedCursors(user: string, { url, storage }: Pick<UserOptions, 'url' | 'storage'>): StoredCursors {
  return new StoredCursors(storage, nameOf('cursors', user, url));
}

function nameOf(what: string, user: string, url: string): string {
  return `carillon ${what} ${user} ${url}`;
}
