/** Whether something that is tried again and again gets anywhere. Connections may be up, and nothing comes through. */

/** Longer than what a restart of the store takes. */
const STALLED_AFTER_MS = 10_000;

/** Nobody tries any more: then nothing is known. */
const FORGOTTEN_AFTER_MS = 30_000;

export class Progress {
  readonly #now: () => number;
  #failingSinceMs: number | undefined;
  #failedAtMs = 0;

  /** `now`: milliseconds of a clock that nobody sets. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Nothing has succeeded for so long that it is no coincidence, and it is still tried. */
  get isStalled(): boolean {
    if (this.#failingSinceMs === undefined) return false;
    const nowMs = this.#now();
    return nowMs - this.#failingSinceMs >= STALLED_AFTER_MS && nowMs - this.#failedAtMs < FORGOTTEN_AFTER_MS;
  }

  succeeded(): void {
    this.#failingSinceMs = undefined;
  }

  failed(): void {
    const nowMs = this.#now();
    if (nowMs - this.#failedAtMs >= FORGOTTEN_AFTER_MS) this.#failingSinceMs = undefined;
    this.#failedAtMs = nowMs;
    this.#failingSinceMs ??= nowMs;
  }
}
