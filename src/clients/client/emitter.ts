/** Listeners by event, typed. A listener that throws disturbs neither the others nor the order of what they get. */

type Listener<Args extends readonly unknown[]> = (...args: Args) => void;
type Listeners<Events extends Record<keyof Events, readonly unknown[]>> = {
  [Name in keyof Events]?: Set<Listener<Events[Name]>>;
};

export class Emitter<Events extends Record<keyof Events, readonly unknown[]>> {
  #listeners: Listeners<Events> = {};

  /** What it returns ends the listening. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    // A function of its own per call: the same listener may listen twice, and end once.
    const own: Listener<Events[Name]> = (...args) => listener(...args);
    const listeners = this.#listeners[name] ?? new Set();
    this.#listeners[name] = listeners.add(own);
    return () => void listeners.delete(own);
  }

  isHeard(name: keyof Events): boolean {
    return (this.#listeners[name]?.size ?? 0) > 0;
  }

  emit<Name extends keyof Events>(name: Name, ...args: Events[Name]): void {
    for (const listener of [...(this.#listeners[name] ?? [])]) callSafely(() => listener(...args));
  }

  clear(): void {
    this.#listeners = {};
  }
}

/** What the app's code throws is reported as an unhandled rejection, where it belongs, instead of breaking this. */
export function callSafely(run: () => void): void {
  try {
    run();
  } catch (error) {
    void Promise.reject(error);
  }
}
