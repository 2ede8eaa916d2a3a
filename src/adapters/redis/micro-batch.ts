/** Gathers the calls of one turn of the event loop, to be answered together at its end. */
export class MicroBatch<Call> {
  readonly #onEnd: (calls: readonly Call[]) => void;
  #calls: Call[] = [];

  constructor(onEnd: (calls: readonly Call[]) => void) {
    this.#onEnd = onEnd;
  }

  add(call: Call): void {
    if (this.#calls.push(call) > 1) return;
    // After everything that came with this look at the network, and not after each of it.
    setImmediate(() => {
      const calls = this.#calls;
      this.#calls = [];
      this.#onEnd(calls);
    });
  }
}
