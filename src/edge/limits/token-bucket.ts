/**
 * A token bucket: `burst` units may be used at once, and `perSecond` units come back each second. It consists of two
 * numbers and needs no timer.
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

  /** Takes one unit, if there is one. A clock that was set back gives and takes nothing. */
  take(nowMs: number): boolean {
    this.#earn(nowMs);
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  /** Charges for work that is already done. The balance may fall below zero, and must then recover first. */
  spend(units: number, nowMs: number): void {
    this.#earn(nowMs);
    this.#left -= units;
  }

  /** Milliseconds until a unit is available; 0: now. */
  waitMs(nowMs: number): number {
    this.#earn(nowMs);
    return this.#left >= 1 ? 0 : Math.ceil(((1 - this.#left) / this.#rate.perSecond) * 1_000);
  }

  /** Whether it is full, as a new one is. */
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
