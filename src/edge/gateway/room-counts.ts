/**
 * Counts users and sessions in each room of a department, a topic and everybody. The counts change as sockets come
 * and go. They take two numbers a room: whether a user is in a room with another device too is looked up when needed.
 */
import type { Adapter } from 'socket.io-adapter';
import { type Audience, audienceKind, audienceOf, roomOf } from '../../contract/audience.ts';

interface Count {
  users: number;
  sessions: number;
}

export interface RoomCountsOptions {
  readonly adapter: Adapter;
  /** The user of a socket. It is also called while the socket leaves. */
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

  /**
   * The rooms that changed since the last call, or all rooms. The count is undefined for a room that has become
   * empty.
   */
  take(isAll: boolean): ReadonlyMap<Audience, Readonly<Count> | undefined> {
    const audiences = isAll ? this.#counts.keys() : this.#changed;
    this.#changed = new Set();
    return new Map([...audiences].map((audience) => [audience, this.#counts.get(audience)]));
  }

  #add(room: string, id: string, change: 1 | -1): void {
    const audience = audienceOf(room);
    const user = this.#options.userOf(id);
    // A room may also hold a subscriber that is not a socket.
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
