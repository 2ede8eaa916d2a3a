/** Reads chosen offsets of one audience's log, newest first, a chunk at a time. */
import type { Audience } from '../../contract/audience.ts';
import type { Cursor } from '../../contract/notification.ts';
import type { StoredEnvelope } from './inbox.ts';
import type { ReadInbox } from './metered-inbox.ts';
import { NO_RANGES, newestOf, type Ranges } from './ranges.ts';

/** `hiddenBy`: the newest offset of what hides it, 0 when nothing does; undefined when that was not read with it. */
export type ReadEnvelope = StoredEnvelope & { readonly hiddenBy?: number };

export class LogReader {
  readonly audience: Audience;
  readonly #inbox: Pick<ReadInbox, 'readEnvelopes' | 'recent'>;
  readonly #head: Cursor;
  #rest: Ranges;
  #entries: ReadEnvelope[] = [];

  constructor(
    inbox: Pick<ReadInbox, 'readEnvelopes' | 'recent'>,
    { audience, head }: { readonly audience: Audience; readonly head: Cursor },
    offsets: Ranges,
  ) {
    this.#inbox = inbox;
    this.audience = audience;
    this.#head = head;
    this.#rest = offsets;
  }

  /** The next entry; undefined when nothing is left, or when {@link needsMore}. */
  get next(): ReadEnvelope | undefined {
    return this.#entries[0];
  }

  get needsMore(): boolean {
    return this.#entries.length === 0 && this.#rest.length > 0;
  }

  /** The newest offset that has not been taken yet; 0 when none is left. */
  get position(): number {
    return this.#entries[0]?.offset ?? this.#rest.at(-1)?.[1] ?? 0;
  }

  take(): ReadEnvelope | undefined {
    return this.#entries.shift();
  }

  /** The next `count` offsets from this process's memory. Returns false when they are not there and have to be read. */
  takeRecent(count: number): boolean {
    const taken = this.#inbox.recent?.take(this.audience, this.#head, this.#rest, count);
    if (taken === undefined) return false;
    this.#entries.push(...taken.entries);
    this.#rest = taken.rest;
    return true;
  }

  /**
   * Reads the next `count` offsets, all at the same time. A log has no holes and loses entries from its old end only:
   * where one is missing, nothing older is left to be asked for.
   */
  async readMore(count: number): Promise<void> {
    const { top, rest } = newestOf(this.#rest, count);
    this.#rest = rest;
    const chunks = await Promise.all(
      top.map(([first, last]) => this.#inbox.readEnvelopes(this.audience, first, last, last - first + 1)),
    );
    this.#entries.push(...chunks.flat());
    const isTrimmed = top.some(([first, last], i) => (chunks[i]?.length ?? 0) < last - first + 1);
    if (isTrimmed) this.#rest = NO_RANGES;
  }
}
