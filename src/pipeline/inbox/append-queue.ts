/**
 * The append queue keeps the order of each audience while its appends are many, and while they fail.
 *
 * Each audience has a queue of its own into its log. One batch (one append call) of a queue is under way at a time. What
 * arrives meanwhile waits, and leaves together in the next batch. So an idle audience has no delay, a busy one is batched
 * by the store's own speed, and different audiences share the connection side by side. When a batch fails, everything
 * later waits behind its retry instead of overtaking it. A failed batch is tried again for ever, with growing, jittered
 * pauses, until it succeeds or the append queue is closed. Meanwhile it may become shorter, when the store takes less at
 * a time, and never longer.
 *
 * That is for a store that is away. When something else fails, one entry may be the reason, and would stop its audience
 * for ever. Such a batch leaves one entry at a time, and the entry that fails {@link MAX_FAULTS} times is given back.
 * What waits behind it goes on, in order.
 *
 * An event for thousands of audiences would put thousands of appends in front of everybody else's. Only so many of such
 * appends are under way at a time, over all queues. One that another event waits behind is not kept back any more.
 */
import type { Audience } from '../../contract/audience.ts';
import { retried } from '../../resilience/retry.ts';
import { isUnavailable } from '../../resilience/unavailable.ts';
import type { Appended, Entry, Inbox } from './inbox.ts';
import { Progress } from './progress.ts';
import { bytesOf } from './write-window.ts';

/** Bounds one script's run time in Redis: about 20 µs an entry. */
const MAX_BATCH_ENTRIES = 100;

/** Appends of wide events that are under way at a time: as many as leave in one script. */
const MAX_WIDE_AT_ONCE = 100;

/** How often an entry is tried that fails although the store is there: about a second. Waiting mends no fault of ours. */
const MAX_FAULTS = 5;

/** The append queue is closed: whoever appends next, after a restart, finds what was written as repeats. */
export class AppendQueueClosed extends Error {}

/** The store is there, and the entry cannot be appended all the same: a fault of ours, in `cause`. */
class AppendFailed extends Error {}

interface Waiting {
  readonly entry: Entry;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (reason: unknown) => void;
}

export class AppendQueue {
  readonly #inbox: Inbox;
  readonly #onRetry: (error: unknown) => void;
  /** What waits and what is under way, which comes first. */
  readonly #queues = new Map<Audience, Waiting[]>();
  readonly #progress = new Progress();
  /** Queues with nothing but appends of wide events, that have not begun. */
  readonly #keptBack = new Map<Audience, Waiting[]>();
  #wideUnderWay = 0;
  readonly #closing = new AbortController();

  /** `onRetry` is called each time that a batch failed and its queue waits. */
  constructor(inbox: Inbox, onRetry: (error: unknown) => void) {
    this.#inbox = inbox;
    this.#onRetry = onRetry;
  }

  /** Appends fail again and again, and none has succeeded for some time. */
  get isStalled(): boolean {
    return this.#progress.isStalled;
  }

  /**
   * Resolves once the log has the entry. Rejects with {@link AppendQueueClosed} after {@link close}, and with
   * {@link AppendFailed}. `isWide`: its event has very many audiences, and others go first.
   */
  append(audience: Audience, entry: Entry, isWide = false): Promise<Appended> {
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason);
    return new Promise((resolve, reject) => {
      const waiting = { entry, resolve, reject };
      const queue = this.#queues.get(audience);
      if (queue !== undefined) {
        queue.push(waiting);
        if (!isWide && this.#keptBack.delete(audience)) void this.#run(audience, queue);
        return;
      }
      const opened = [waiting];
      this.#queues.set(audience, opened);
      if (!isWide) void this.#run(audience, opened);
      else if (this.#wideUnderWay < MAX_WIDE_AT_ONCE) this.#runWide(audience, opened);
      else this.#keptBack.set(audience, opened);
    });
  }

  /** Gives up what waits: those appends reject, and may or may not have reached the log. */
  close(): void {
    this.#closing.abort(new AppendQueueClosed('the append queue is closed'));
    for (const [audience, queue] of this.#keptBack) void this.#run(audience, queue);
    this.#keptBack.clear();
  }

  #runWide(audience: Audience, queue: Waiting[]): void {
    this.#wideUnderWay += 1;
    void this.#run(audience, queue, () => {
      this.#wideUnderWay -= 1;
      for (const [next, waiting] of this.#keptBack) {
        this.#keptBack.delete(next);
        this.#runWide(next, waiting);
        return;
      }
    });
  }

  /** `onTried`: the first batch has succeeded, or failed for the first time. */
  async #run(audience: Audience, queue: Waiting[], onTried?: () => void): Promise<void> {
    const { signal } = this.#closing;
    let tried = onTried;
    while (queue.length > 0 && !signal.aborted) {
      let count = MAX_BATCH_ENTRIES;
      const attempt = async () => {
        count = this.#countOf(audience, queue, count);
        const entries = queue.slice(0, count).map(({ entry }) => entry);
        try {
          return await this.#inbox.append(audience, entries);
        } catch (error) {
          throw isUnavailable(error)
            ? error
            : new AppendFailed('the entry cannot be appended', { cause: error });
        } finally {
          tried?.();
          tried = undefined;
        }
      };
      // Of more than one, nobody knows yet which failed.
      const shorten = () => {
        count = 1;
      };
      try {
        const appended = await retried(attempt, {
          shouldRetry: this.#holding(shorten),
          signal: () => signal,
        });
        this.#progress.succeeded();
        queue.splice(0, count).forEach(({ resolve, reject }, i) => {
          const place = appended[i];
          if (place === undefined)
            reject(new Error('the inbox answered for fewer entries than it was given'));
          else resolve(place);
        });
      } catch (error) {
        for (const { reject } of queue.splice(0, count)) reject(error);
      }
    }
    this.#queues.delete(audience);
    // Closed: whatever waited behind a batch that was given up must not overtake it.
    for (const { reject } of queue) reject(signal.reason);
  }

  /** How many of those that wait leave together: at least one, at most `most`, and no more bytes than the store takes. */
  #countOf(audience: Audience, queue: readonly Waiting[], most: number): number {
    const limit = Math.min(queue.length, most);
    if (limit === 1) return 1;
    let bytes = this.#inbox.batchBytes?.(audience) ?? Number.POSITIVE_INFINITY;
    for (let count = 0; count < limit; count += 1) {
      const waiting = queue[count];
      if (waiting !== undefined) bytes -= bytesOf(waiting.entry);
      if (bytes < 0) return Math.max(1, count);
    }
    return limit;
  }

  /** Notes each failure of one batch, and says whether it is tried again. `shorten`: from now on one entry at a time. */
  #holding(shorten: () => void): (failure: unknown) => boolean {
    let faults = 0;
    return (failure) => {
      this.#onRetry(failure);
      if (!(failure instanceof AppendFailed)) {
        this.#progress.failed();
        return true;
      }
      shorten();
      faults += 1;
      return faults < MAX_FAULTS;
    };
  }
}
