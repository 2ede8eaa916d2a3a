/** Answers questions about all nodes, from what they have reported and from the logs. */
import { type Audience, audienceKind, idOf } from '../../contract/audience.ts';
import { type Cursor, EMPTY_HEAD } from '../../contract/notification.ts';
import type { AudiencePresence, Directory, Host, UserPresence } from '../../contract/presence.ts';
import type { PresenceStore } from './presence-store.ts';

export interface Logs {
  heads(audiences: readonly Audience[]): Promise<readonly Cursor[]>;
  /** How many entries the log holds. */
  length(audience: Audience): Promise<number>;
}

export class NodesDirectory implements Directory {
  readonly #store: PresenceStore;
  readonly #logs: Logs;

  constructor(store: PresenceStore, logs: Logs) {
    this.#store = store;
    this.#logs = logs;
  }

  async sessionsOf(user: string): Promise<UserPresence> {
    const { sessions, devices } = await this.#store.of(user);
    return { user, sessions: [...sessions], devices: [...devices] };
  }

  async audience(audience: Audience): Promise<AudiencePresence> {
    const isUser = audienceKind(audience) === 'user';
    const [[head = EMPTY_HEAD], length, nodes] = await Promise.all([
      this.#logs.heads([audience]),
      this.#logs.length(audience),
      isUser ? this.#hostsOfUser(idOf(audience)) : this.#store.hosts(audience),
    ]);
    const sum = (what: 'users' | 'sessions') => nodes.reduce((all, node) => all + node[what], 0);
    const users = isUser ? Math.min(1, nodes.length) : sum('users');
    return { audience, users, sessions: sum('sessions'), nodes: [...nodes], head, length };
  }

  async #hostsOfUser(user: string): Promise<readonly Host[]> {
    const counts = new Map<string, number>();
    for (const { node } of (await this.#store.of(user)).sessions)
      counts.set(node, (counts.get(node) ?? 0) + 1);
    return [...counts].map(([node, sessions]) => ({ node, users: 1, sessions }));
  }
}
