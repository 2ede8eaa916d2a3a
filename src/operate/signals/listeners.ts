/** Listeners to signals within this process. Embedded mode has them instead of RabbitMQ's exchange. */

/** `event`: the CloudEvent's JSON, in one line. MUST NOT throw. */
export type Listener = (event: string) => void;

export class Listeners {
  readonly #listeners = new Set<Listener>();

  /** Calls the listener with every signal, until the returned function is called. */
  listen(listener: Listener): () => void {
    // Wrapped, so that the same function can be added twice.
    const own: Listener = (event) => listener(event);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Returns whether anybody listens. */
  emit(body: Buffer): boolean {
    const event = body.toString();
    for (const listener of this.#listeners) listener(event);
    return this.#listeners.size > 0;
  }
}
