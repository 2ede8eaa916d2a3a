/** Collects the calls of one turn of the event loop, and answers them together at its end. */
import { atEndOfTurn } from './end-of-turn.ts';

export class MicroBatch<Call> {
  readonly #onEnd: (calls: readonly Call[]) => void;
  #calls: Call[] = [];

  constructor(onEnd: (calls: readonly Call[]) => void) {
    this.#onEnd = onEnd;
  }

  add(call: Call): void {
    if (this.#calls.push(call) > 1) return;
    atEndOfTurn(() => {
      const calls = this.#calls;
      this.#calls = [];
      this.#onEnd(calls);
    });
  }
}
