/**
 * One audience's log, as its feed reads it: each read is retried until the store answers or the feed is closed. So an
 * outage skips nothing.
 */
import type { Audience } from '../../contract/audience.ts';
import { type Cursor, EMPTY_HEAD } from '../../contract/notification.ts';
import type { Inbox, Stored } from '../../pipeline/inbox/inbox.ts';
import { hasWritten, type Incarnation } from '../../pipeline/inbox/incarnations.ts';
import { retried } from '../../resilience/retry.ts';
import { isUnavailable, Unavailable } from '../../resilience/unavailable.ts';

/** Every read rejects once this is closed, and on a fault in the code, which retrying would not mend. */
export class RetriedLog {
  readonly #audience: Audience;
  readonly #inbox: Inbox;
  #isClosed = false;
  /** Exists only while something is retried, which most feeds never need. */
  #retrying: AbortController | undefined;

  constructor(audience: Audience, inbox: Inbox) {
    this.#audience = audience;
    this.#inbox = inbox;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
    this.#retrying?.abort(closed());
  }

  async head(): Promise<Cursor> {
    const [head] = await this.#retry(() => this.#inbox.heads([this.#audience]));
    return head ?? EMPTY_HEAD;
  }

  fence(place: Cursor): Promise<Cursor> {
    return this.#retry(() => this.#inbox.fence(this.#audience, place));
  }

  read(first: number, last: number): Promise<readonly Stored[]> {
    return this.#retry(() => this.#inbox.read(this.#audience, first, last));
  }

  incarnations(): Promise<readonly Incarnation[]> {
    return this.#retry(() => this.#inbox.incarnations(this.#audience));
  }

  /** Whether the log still holds everything up to this head, and is the log from which these entries were read. */
  async isStill({ epoch, offset }: Cursor, entries: readonly Stored[]): Promise<boolean> {
    const now = await this.head();
    if (now.epoch !== epoch || now.offset < offset) return false;
    const incarnations = await this.incarnations();
    return entries.every((entry) => hasWritten(incarnations, entry));
  }

  async #retry<T>(run: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw closed();
    return await retried(run, {
      shouldRetry: (error) => isUnavailable(error) && !this.#isClosed,
      signal: () => {
        this.#retrying ??= new AbortController();
        return this.#retrying.signal;
      },
    });
  }
}

export function closed(): Error {
  return new Unavailable('the feed is closed');
}
