/** Counts this node's connections: in total, per address and per user. */
import type { ConnectionCounts, ConnectionPlace } from '../connections/http-connections.ts';

export interface MaxConnections {
  readonly perNode: number;
  readonly perAddress: number;
  readonly perUser: number;
}

/** Counts a user's sessions on all nodes. */
export interface SharedPlaces {
  /**
   * Resolves with whether the session may begin. Never rejects. If it may, the caller MUST call `end` once it is over
   * or does not begin.
   */
  begin(user: string, session: string): Promise<boolean>;
  end(user: string, session: string): void;
}

/** Counts by key, and forgets keys at zero. */
class Tally {
  readonly #counts = new Map<string, number>();

  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: string, change: 1 | -1): void {
    const count = this.of(key) + change;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }
}

export class ConnectionLimits implements ConnectionCounts {
  readonly #limits: MaxConnections;
  readonly #addresses = new Tally();
  readonly #users = new Tally();
  #taken = 0;

  constructor(limits: MaxConnections) {
    this.#limits = limits;
  }

  /** Which limit is reached; undefined when there is room. */
  fullFor({ node, address }: ConnectionPlace): 'node' | 'address' | undefined {
    if (node && this.#taken >= this.#limits.perNode) return 'node';
    const isFull = address !== undefined && this.#addresses.of(address) >= this.#limits.perAddress;
    return isFull ? 'address' : undefined;
  }

  isFullForUser(user: string): boolean {
    return this.#users.of(user) >= this.#limits.perUser;
  }

  take(place: ConnectionPlace): void {
    this.#change(place, 1);
  }

  giveBack(place: ConnectionPlace): void {
    this.#change(place, -1);
  }

  /** The caller MUST call what this returns, once, when the session has ended. */
  takeForUser(user: string): () => void {
    this.#users.add(user, 1);
    return () => this.#users.add(user, -1);
  }

  #change({ node, address }: ConnectionPlace, change: 1 | -1): void {
    if (node) this.#taken += change;
    if (address !== undefined) this.#addresses.add(address, change);
  }
}
