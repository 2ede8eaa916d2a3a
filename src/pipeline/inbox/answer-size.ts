/** How much an answer may hold, in bytes, and how many entries to read next so that not much is read in vain. */

/** Entries of the size that they may have by default, of which nothing is known yet. */
const FIRST_READ = 16;
const MAX_READ = 200;

export class Portion {
  readonly #maxBytes: number;
  #bytes = 0;
  #entries = 0;
  #entryBytes = 0;
  #isFull = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Nothing more goes in, however small. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** For what is in the answer in any case. */
  reserve(bytes: number): void {
    this.#bytes += bytes;
  }

  /**
   * Whether an entry still fits, and then it counts. The first fits always: whoever asks again and again MUST come to
   * the end.
   */
  take(bytes: number): boolean {
    this.#isFull ||= this.#entries > 0 && this.#bytes + bytes > this.#maxBytes;
    if (this.#isFull) return false;
    this.#bytes += bytes;
    this.#entryBytes += bytes;
    this.#entries += 1;
    return true;
  }

  /** Of `wanted` entries so many as may fit, by the size of those that were taken. */
  nextRead(wanted: number): number {
    if (this.#entries === 0) return Math.min(wanted, FIRST_READ);
    const left = Math.max(0, this.#maxBytes - this.#bytes);
    const fit = Math.ceil((left * this.#entries) / Math.max(1, this.#entryBytes));
    return Math.min(wanted, MAX_READ, Math.max(1, fit));
  }
}
