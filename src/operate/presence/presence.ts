/**
 * Reports one gateway to the presence store: that it is alive, who is connected to it, and who is in its rooms.
 * Nothing waits for these reports.
 *
 * The store is *in step* with this node, or the node is *behind*: a write may have failed, or the store may have
 * forgotten something. While it is behind, each beat writes everything again until that succeeds: first the sessions
 * that are gone, then all that are present. A session is *present* from `present` to `gone`, then *gone* until that
 * is written, and then not kept here any more.
 *
 * Rooms are reported as changes. Until a report is known to have arrived, the next one covers all rooms.
 */
import type { Cursor } from '../../contract/notification.ts';
import type { Attendee, Registering } from '../../contract/presence.ts';
import { isUnavailable } from '../../resilience/unavailable.ts';
import type { Change, PresenceStore, Rooms } from './presence-store.ts';

export interface PresenceOptions {
  readonly node: string;
  readonly store: PresenceStore;
  readonly beatMs: number;
  /** The clock that all processes share. */
  readonly now: () => number;
  /** Something failed although the store is not away. It is retried with everything else that was not written. */
  readonly onFault: (error: unknown) => void;
}

/** The rooms that changed since the last call, or all. */
type RoomsOf = (isAll: boolean) => Rooms['occupied'];

/** Sessions that are written again in one call. */
const BATCH = 200;

export class Presence implements Registering {
  readonly #options: PresenceOptions;
  readonly #present = new Map<string, Attendee>();
  /**
   * Sessions whose end is not written yet. No more than were connected when the store went away, because no session
   * begins meanwhile.
   */
  readonly #gone = new Map<string, Change>();
  /** The node is behind: the store may not have all sessions that are present. */
  #isBehind = false;
  #writingAgain: Promise<void> | undefined;
  #roomsOf: RoomsOf = () => new Map();
  #isFullReportDue = true;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** MUST be called before sessions begin: without a beat they would count as a dead node's sessions. */
  start(roomsOf: RoomsOf): void {
    this.#roomsOf = roomsOf;
    void this.#beatAgain();
    this.#options.store.onBack(() => {
      if (this.#isClosed) return;
      // The store may be another Redis now, which holds less.
      this.#isBehind = true;
      void this.#beat();
    });
  }

  present(attendee: Attendee): void {
    this.#present.set(attendee.session, attendee);
    this.#options.store.write([changeOf(attendee)]).catch((error: unknown) => this.#notWritten(error));
  }

  forgotten(session: string): void {
    const known = this.#present.get(session);
    if (known === undefined) return;
    this.#ended(session, { user: known.user, forgotten: session });
  }

  gone(session: string, audiences: Readonly<Record<string, Cursor>>): void {
    const known = this.#present.get(session);
    if (known === undefined) return;
    const { device, node, connectedAt, cursors } = known.describe();
    this.#ended(session, {
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
    });
  }

  #ended(session: string, change: Change): void {
    this.#present.delete(session);
    // Kept until it is written: `close` waits for a write that is under way.
    this.#gone.set(session, change);
    this.#options.store.write([change]).then(
      () => this.#gone.delete(session),
      (error: unknown) => this.#notWritten(error),
    );
  }

  /** MUST be called when all sessions have ended. Resolves once that is written, or cannot be. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const { store, node } = this.#options;
    try {
      await store.write([...this.#gone.values()]);
      await store.leave(node);
    } catch (error) {
      // The store is away. Readers will find out that this node sends no more beats.
      this.#reportFault(error);
    }
  }

  #notWritten(error: unknown): void {
    this.#isBehind = true;
    this.#reportFault(error);
  }

  #reportFault(error: unknown): void {
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
      const isAll = this.#isFullReportDue;
      if (!(await this.#reportRooms(isAll))) {
        this.#isBehind = true;
        if (!isAll) await this.#reportRooms(true);
      }
      if (this.#isBehind) await this.#writeAgain();
    } catch (error) {
      // The store is away. Everything is reported once it is back.
      this.#reportFault(error);
    }
  }

  /**
   * Changes are reported only once, so until the report is known to have arrived, the next one must cover all rooms.
   */
  async #reportRooms(isAll: boolean): Promise<boolean> {
    const { store, node } = this.#options;
    const occupied = this.#roomsOf(isAll);
    this.#isFullReportDue = true;
    const isKnown = await store.beat(node, { isAll, occupied });
    this.#isFullReportDue = !isAll && !isKnown;
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
        // A session that has left since is not written as present.
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
