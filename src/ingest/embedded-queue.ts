/** The queue of embedded mode: events go straight to the handler, in order, within this process. */
import type { Event } from '../contract/event.ts';
import type { Handle, Settlement } from './settlement.ts';

export class EmbeddedQueue {
  readonly #handle: Handle;
  readonly #onSettled: (event: Event, settlement: Settlement) => void;
  readonly #inHand = new Set<Promise<void>>();

  constructor(handle: Handle, onSettled: (event: Event, settlement: Settlement) => void) {
    this.#handle = handle;
    this.#onSettled = onSettled;
  }

  /** Takes the event; what becomes of it is told to `onSettled`. */
  async publish(event: Event): Promise<void> {
    const taken = this.#handle(event, Date.now())
      .then((settlement) => this.#onSettled(event, settlement))
      .finally(() => this.#inHand.delete(taken));
    this.#inHand.add(taken);
  }

  /** Resolves when everything taken is settled. */
  async drain(): Promise<void> {
    await Promise.all(this.#inHand);
  }
}
