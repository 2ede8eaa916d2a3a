/**
 * How many entries of a log to ask for at a time, so that an answer has about so many bytes. Redis counts entries only,
 * so this goes by the size of those that were read before: at once when they become larger, little by little when
 * they become smaller.
 */
const PAGE_BYTES = 262_144;

const MOST_ENTRIES = 1_000;

/** What an entry is taken to have before any was seen. */
const FIRST_GUESS_BYTES = 4_096;

export class PageSize {
  #entryBytes = FIRST_GUESS_BYTES;

  get entries(): number {
    return Math.max(1, Math.min(MOST_ENTRIES, Math.floor(PAGE_BYTES / this.#entryBytes)));
  }

  /** MUST be called for each answer. */
  saw(entries: number, bytes: number): void {
    if (entries === 0) return;
    const mean = Math.max(1, bytes / entries);
    this.#entryBytes = mean > this.#entryBytes ? mean : (this.#entryBytes + mean) / 2;
  }

  /** An answer did not come in time. */
  timedOut(): void {
    this.#entryBytes = PAGE_BYTES / Math.max(1, Math.floor(this.entries / 4));
  }
}
