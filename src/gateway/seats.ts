/** How many connections this node has: altogether, of each address and of each user. */
export interface SeatLimits {
  readonly perNode: number;
  readonly perAddress: number;
  readonly perUser: number;
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

export class Seats {
  readonly #limits: SeatLimits;
  readonly #addresses = new Tally();
  readonly #users = new Tally();
  #taken = 0;

  constructor(limits: SeatLimits) {
    this.#limits = limits;
  }

  /** What has no room for one more connection from this address; undefined when there is room. */
  fullFor(address: string): 'node' | 'address' | undefined {
    if (this.#taken >= this.#limits.perNode) return 'node';
    return this.#addresses.of(address) >= this.#limits.perAddress ? 'address' : undefined;
  }

  isFullForUser(user: string): boolean {
    return this.#users.of(user) >= this.#limits.perUser;
  }

  /** The caller MUST call what this returns, once, when the connection has ended. */
  take(address: string): () => void {
    this.#taken += 1;
    this.#addresses.add(address, 1);
    return () => {
      this.#taken -= 1;
      this.#addresses.add(address, -1);
    };
  }

  /** The caller MUST call what this returns, once, when the session has ended. */
  takeForUser(user: string): () => void {
    this.#users.add(user, 1);
    return () => this.#users.add(user, -1);
  }
}
