/** Runs work on the same thing one at a time, in the order of the calls, within this process. */
export class OneAtATime {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs the work when everything before it under the same name has ended, successfully or not. */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const running = before === undefined ? work() : before.then(work, work);
    this.#last.set(name, running);
    try {
      return await running;
    } finally {
      if (this.#last.get(name) === running) this.#last.delete(name);
    }
  }
}
