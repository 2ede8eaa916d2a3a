/**
 * A map whose keys strangers choose, for example by user. As it grows, entries that say no more than a new one would are
 * removed, so that it holds those in use and not all that ever came.
 */

/** From so many entries on. */
const SWEEP_AT = 1_000;

export class SweptMap<Key, Value> {
  readonly #entries = new Map<Key, Value>();
  readonly #isIdle: (value: Value) => boolean;
  #sweepAt = SWEEP_AT;

  /** `isIdle`: whether the value may be removed. */
  constructor(isIdle: (value: Value) => boolean) {
    this.#isIdle = isIdle;
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  /** What was just set stays, also when it is idle. */
  set(key: Key, value: Value): void {
    this.#entries.set(key, value);
    if (this.#entries.size > this.#sweepAt) this.#sweep(key);
  }

  #sweep(newest: Key): void {
    for (const [key, value] of this.#entries)
      if (key !== newest && this.#isIdle(value)) this.#entries.delete(key);
    // Each entry is looked at once or twice in its life, however many there are.
    this.#sweepAt = Math.max(SWEEP_AT, 2 * this.#entries.size);
  }
}
