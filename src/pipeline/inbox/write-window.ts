/**
 * How many bytes of appends may be under way to one store at a time. Whatever waits behind them, in the same connection,
 * waits for as long as they take, so a slow link needs few; a fast one is not slowed by what a round trip holds.
 *
 * A time-out halves it, down to one entry; a success doubles it, up to the most.
 */
import type { Entry } from './inbox.ts';

const MOST_BYTES = 262_144;

const LEAST_BYTES = 1_024;

export class WriteWindow {
  #limitBytes = MOST_BYTES;
  #underWay = 0;

  /** The most bytes that one call should carry now. One entry may always go, whatever its size. */
  get limitBytes(): number {
    return this.#limitBytes;
  }

  /** Whether so many bytes may leave now. `isMore`: they are not the first, so that they may wait. */
  fits(bytes: number, isMore = false): boolean {
    const isFirst = this.#underWay === 0 && !isMore;
    return isFirst || this.#underWay + bytes <= this.#limitBytes;
  }

  /** MUST be followed by one of {@link succeeded} and {@link failed}. */
  began(bytes: number): void {
    this.#underWay += bytes;
  }

  succeeded(bytes: number): void {
    this.#underWay -= bytes;
    this.#limitBytes = Math.min(this.#limitBytes * 2, MOST_BYTES);
  }

  failed(bytes: number, isTimeout: boolean): void {
    this.#underWay -= bytes;
    if (isTimeout) this.#limitBytes = Math.max(Math.min(this.#limitBytes, bytes) / 2, LEAST_BYTES);
  }
}

/** Without what is small in all of them. */
export function bytesOf({ text: { head, tail } }: Entry): number {
  return Buffer.byteLength(head) + Buffer.byteLength(tail);
}
