/**
 * How much somebody may do: `burst` at once, and `perSecond` of it come back each second (a token bucket). Two
 * numbers for each, and no timer.
 */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export class Allowance {
  readonly #rate: Rate;
  #left: number;
  #atMs: number;

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#left = rate.burst;
    this.#atMs = nowMs;
  }

  /** Whether one more is allowed. A clock that was set back gives nothing and takes nothing. */
  take(nowMs: number): boolean {
    this.#earn(nowMs);
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  /** For what is done already: may leave less than nothing, which then has to come back first. */
  spend(units: number, nowMs: number): void {
    this.#earn(nowMs);
    this.#left -= units;
  }

  /** Milliseconds until one more is allowed; 0: now. */
  waitMs(nowMs: number): number {
    this.#earn(nowMs);
    return this.#left >= 1 ? 0 : Math.ceil(((1 - this.#left) / this.#rate.perSecond) * 1_000);
  }

  /** Whether nothing of it is spent, as if it were new. */
  isWhole(nowMs: number): boolean {
    this.#earn(nowMs);
    return this.#left >= this.#rate.burst;
  }

  #earn(nowMs: number): void {
    const { perSecond, burst } = this.#rate;
    const earned = (Math.max(0, nowMs - this.#atMs) / 1_000) * perSecond;
    this.#left = Math.min(burst, this.#left + earned);
    this.#atMs = nowMs;
  }
}
