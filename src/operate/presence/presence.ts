/**
 * What one gateway says of itself: that it is alive, who is connected to it, and who is in its rooms. Nothing waits for
 * it. What could not be written while the store was away is written when it is back, and all of it when the store
 * has forgotten this node.
 */
import type { Cursor } from '../../contract/notification.ts';
import type { Attendee, Registering } from '../../contract/presence.ts';
import { isUnavailable } from '../../resilience/unavailable.ts';
import type { Change, PresenceStore, Rooms } from './presence-store.ts';

export interface PresenceOptions {
  readonly node: string;
  readonly store: PresenceStore;
  readonly beatMs: number;
  /** The time that all processes go by. */
  readonly now: () => number;
  /** Something failed although the store is there. It is tried again with all that was not written. */
  readonly onFault: (error: unknown) => void;
}

/** The rooms that changed since it was last asked, or all. */
type RoomsOf = (isAll: boolean) => Rooms['occupied'];

/** Written again in one call. */
const BATCH = 200;

export class Presence implements Registering {
  readonly #options: PresenceOptions;
  readonly #present = new Map<string, Attendee>();
  /** Those whose end was not written. No more than were connected when the store went away: nobody begins meanwhile. */
  readonly #gone = new Map<string, Change>();
  /** What is written of those present may not be all. */
  #isBehind = false;
  #writingAgain: Promise<void> | undefined;
  #roomsOf: RoomsOf = () => new Map();
  #saysAllRooms = true;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** MUST be called before sessions begin: without a sign of life they are taken for those of a dead node. */
  start(roomsOf: RoomsOf): void {
    this.#roomsOf = roomsOf;
    void this.#beatAgain();
    this.#options.store.onBack(() => {
      if (this.#isClosed) return;
      // Redis may have been another one, with less in it.
      this.#isBehind = true;
      void this.#beat();
    });
  }

  present(attendee: Attendee): void {
    this.#present.set(attendee.session, attendee);
    this.#options.store.write([changeOf(attendee)]).catch((error: unknown) => this.#notWritten(error));
  }

  gone(session: string, audiences: Readonly<Record<string, Cursor>>): void {
    const known = this.#present.get(session);
    if (known === undefined) return;
    this.#present.delete(session);
    const { device, node, connectedAt, cursors } = known.describe();
    const change = {
      user: known.user,
      gone: {
        session,
        ...(device === undefined ? {} : { device }),
        node,
        connectedAt,
        disconnectedAt: new Date(this.#options.now()).toISOString(),
        audiences,
        ...(cursors === undefined ? {} : { cursors }),
      },
    };
    // Kept until it is written: a write that is under way when this node closes is waited for.
    this.#gone.set(session, change);
    this.#options.store.write([change]).then(
      () => this.#gone.delete(session),
      (error: unknown) => this.#notWritten(error),
    );
  }

  /** MUST be called when all sessions have ended. Resolves when that is written, or cannot be. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const { store, node } = this.#options;
    try {
      await store.write([...this.#gone.values()]);
      await store.leave(node);
    } catch (error) {
      // When the store is away readers find out by themselves: this node gives no more signs of life.
      this.#tellFault(error);
    }
  }

  #notWritten(error: unknown): void {
    this.#isBehind = true;
    this.#tellFault(error);
  }

  #tellFault(error: unknown): void {
    if (!isUnavailable(error)) this.#options.onFault(error);
  }

  async #beatAgain(): Promise<void> {
    await this.#beat();
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#beatAgain(), this.#options.beatMs);
    this.#timer.unref();
  }

  /** Never rejects. */
  async #beat(): Promise<void> {
    try {
      const saidAll = this.#saysAllRooms;
      if (!(await this.#say(saidAll))) {
        this.#isBehind = true;
        if (!saidAll) await this.#say(true);
      }
      if (this.#isBehind) await this.#writeAgain();
    } catch (error) {
      // When the store is away all is said once it is back.
      this.#tellFault(error);
    }
  }

  /** Changes are told once: until it is known that they were heard, all is to be said next. */
  async #say(isAll: boolean): Promise<boolean> {
    const { store, node } = this.#options;
    const occupied = this.#roomsOf(isAll);
    this.#saysAllRooms = true;
    const isKnown = await store.beat(node, { isAll, occupied });
    this.#saysAllRooms = !isAll && !isKnown;
    return isKnown;
  }

  #writeAgain(): Promise<void> {
    this.#writingAgain ??= this.#writeAll().finally(() => {
      this.#writingAgain = undefined;
    });
    return this.#writingAgain;
  }

  async #writeAll(): Promise<void> {
    this.#isBehind = false;
    try {
      for (const batch of batches([...this.#gone])) {
        await this.#options.store.write(batch.map(([, change]) => change));
        for (const [session] of batch) this.#gone.delete(session);
      }
      for (const sessions of batches([...this.#present.keys()])) {
        // Who has left since is not written as present.
        const changes = sessions.flatMap((session) => {
          const attendee = this.#present.get(session);
          return attendee === undefined ? [] : [changeOf(attendee)];
        });
        await this.#options.store.write(changes);
      }
    } catch (error) {
      this.#isBehind = true;
      throw error;
    }
  }
}

function changeOf(attendee: Attendee): Change {
  return { user: attendee.user, present: attendee.describe() };
}

function* batches<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let i = 0; i < all.length; i += BATCH) yield all.slice(i, i + BATCH);
}
