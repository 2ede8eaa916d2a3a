/** A bounded memory of keys: the newest are known, the oldest forgotten. */

/** An event's copies for several audiences come within moments; this is far more than come in those. */
const MAX_KEYS = 1_000;

export class Recent {
  readonly #keys = new Set<string>();

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** False when the key was known already. */
  add(key: string): boolean {
    if (this.#keys.has(key)) return false;
    this.#keys.add(key);
    const [oldest] = this.#keys;
    if (this.#keys.size > MAX_KEYS && oldest !== undefined) this.#keys.delete(oldest);
    return true;
  }
}
