/**
 * How many users and sessions are in each room of departments, topics and everybody. Counted as sockets come and go, and
 * in two numbers a room: whether a user is in it with another device too is looked up.
 */
import type { Adapter } from 'socket.io-adapter';
import { type Audience, audienceKind, audienceOf, roomOf } from '../../contract/audience.ts';

interface Count {
  users: number;
  sessions: number;
}

export interface RoomCountsOptions {
  readonly adapter: Adapter;
  /** Whose socket it is; it is still asked while the socket leaves. */
  readonly userOf: (id: string) => string | undefined;
}

export class RoomCounts {
  readonly #options: RoomCountsOptions;
  readonly #counts = new Map<Audience, Count>();
  #changed = new Set<Audience>();

  constructor(options: RoomCountsOptions) {
    this.#options = options;
    const { adapter } = options;
    adapter.on('join-room', (room: string, id: string) => this.#add(room, id, 1));
    adapter.on('leave-room', (room: string, id: string) => this.#add(room, id, -1));
  }

  /** The rooms that changed since this was last asked, or all; undefined for one that nobody is in any more. */
  take(isAll: boolean): ReadonlyMap<Audience, Readonly<Count> | undefined> {
    const audiences = isAll ? this.#counts.keys() : this.#changed;
    this.#changed = new Set();
    return new Map([...audiences].map((audience) => [audience, this.#counts.get(audience)]));
  }

  #add(room: string, id: string, change: 1 | -1): void {
    const audience = audienceOf(room);
    const user = this.#options.userOf(id);
    // Not everybody in a room is a socket.
    if (user === undefined || audience === undefined || audienceKind(audience) === 'user') return;
    const count = this.#counts.get(audience) ?? { users: 0, sessions: 0 };
    count.sessions += change;
    if (!this.#isInWithAnother(room, id, user)) count.users += change;
    this.#changed.add(audience);
    if (count.sessions > 0) this.#counts.set(audience, count);
    else this.#counts.delete(audience);
  }

  #isInWithAnother(room: string, id: string, user: string): boolean {
    const { rooms } = this.#options.adapter;
    const members = rooms.get(room);
    for (const other of rooms.get(roomOf(`user:${user}`)) ?? []) {
      if (other !== id && members?.has(other)) return true;
    }
    return false;
  }
}
