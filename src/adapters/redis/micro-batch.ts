/** Collects the calls of one turn of the event loop, and answers them together at its end. */
export class MicroBatch<Call> {
  readonly #onEnd: (calls: readonly Call[]) => void;
  #calls: Call[] = [];

  constructor(onEnd: (calls: readonly Call[]) => void) {
    this.#onEnd = onEnd;
  }

  add(call: Call): void {
    if (this.#calls.push(call) > 1) return;
    // After everything that this poll of the network has brought, and not after each message.
    setImmediate(() => {
      const calls = this.#calls;
      this.#calls = [];
      this.#onEnd(calls);
    });
  }
}
