/** Reads chosen offsets of one audience's log, newest first, a chunk at a time. */
import type { Audience } from '../../contract/audience.ts';
import type { Inbox, Stored } from './inbox.ts';
import { NO_RANGES, type Range, type Ranges } from './ranges.ts';

export class LogReader {
  readonly audience: Audience;
  readonly #read: Inbox['readNewest'];
  #rest: Ranges;
  #entries: Stored[] = [];

  /** `read`: the inbox's readNewest or readEnvelopes. */
  constructor(read: Inbox['readNewest'], audience: Audience, offsets: Ranges) {
    this.#read = read;
    this.audience = audience;
    this.#rest = offsets;
  }

  /** The next entry; undefined when nothing is left, or when {@link needsMore}. */
  get next(): Stored | undefined {
    return this.#entries[0];
  }

  get needsMore(): boolean {
    return this.#entries.length === 0 && this.#rest.length > 0;
  }

  /** The newest offset that has not been taken yet; 0 when none is left. */
  get position(): number {
    return this.#entries[0]?.offset ?? this.#rest.at(-1)?.[1] ?? 0;
  }

  take(): Stored | undefined {
    return this.#entries.shift();
  }

  /**
   * Reads the next `count` offsets, all at the same time. A log has no holes and loses entries from its old end only:
   * where one is missing, nothing older is left to be asked for.
   */
  async readMore(count: number): Promise<void> {
    const { top, rest } = newestOf(this.#rest, count);
    this.#rest = rest;
    const chunks = await Promise.all(
      top.map(([first, last]) => this.#read(this.audience, first, last, last - first + 1)),
    );
    this.#entries.push(...chunks.flat());
    const isTrimmed = top.some(([first, last], i) => (chunks[i]?.length ?? 0) < last - first + 1);
    if (isTrimmed) this.#rest = NO_RANGES;
  }
}

/** Cuts off the highest `count` offsets; `top` has its newest range first. */
export function newestOf(
  ranges: Ranges,
  count: number,
): { readonly top: readonly Range[]; readonly rest: Ranges } {
  const rest = [...ranges];
  const top: Range[] = [];
  let wanted = count;
  while (wanted > 0) {
    const range = rest.pop();
    if (range === undefined) break;
    const [first, last] = range;
    const from = Math.max(first, last - wanted + 1);
    top.push([from, last]);
    wanted -= last - from + 1;
    if (from > first) rest.push([first, from - 1]);
  }
  return { top, rest };
}
