/** Who listens to signals within this process, where RabbitMQ's exchange would be: embedded mode. */

/** `event`: the CloudEvent's JSON, in one line. MUST NOT throw. */
export type Listener = (event: string) => void;

export class Listeners {
  readonly #listeners = new Set<Listener>();

  /** Tells every signal from now on, until the function that it returns is called. */
  listen(listener: Listener): () => void {
    // The same one twice would be told once.
    const own: Listener = (event) => listener(event);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Answers whether anybody was told. */
  tell(body: Buffer): boolean {
    const event = body.toString();
    for (const listener of this.#listeners) listener(event);
    return this.#listeners.size > 0;
  }
}
