/** Which versions of the user's marks are known, and which were passed over: a message between servers may be lost. */

/** Of those that are missed; more come from a server that counts anew. */
const MAX_MISSING = 100;

export class MarkVersions {
  #newest = 0;
  readonly #missing = new Set<number>();

  get newest(): number {
    return this.#newest;
  }

  get hasGaps(): boolean {
    return this.#missing.size > 0;
  }

  /** Everything up to there is known, whatever was before. */
  begin(version: number): void {
    this.#newest = version;
    this.#missing.clear();
  }

  add(version: number): void {
    this.#missing.delete(version);
    const first = Math.max(this.#newest + 1, version - MAX_MISSING);
    for (let missed = first; missed < version; missed += 1) this.#missing.add(missed);
    this.#newest = Math.max(version, this.#newest);
  }
}
