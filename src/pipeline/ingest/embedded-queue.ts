/** The queue of embedded mode: events go straight to the handler, in order, within this process. */
import type { Event } from '../../contract/event.ts';
import { type Handle, type OnFault, type Settlement, settled } from './settlement.ts';

export class EmbeddedQueue {
  readonly #handle: Handle;
  readonly #onSettled: (event: Event, settlement: Settlement) => void;
  readonly #onFault: (event: Event, ...fault: Parameters<OnFault>) => void;
  readonly #inHand = new Set<Promise<void>>();

  constructor(
    handle: Handle,
    onSettled: (event: Event, settlement: Settlement) => void,
    onFault: (event: Event, ...fault: Parameters<OnFault>) => void,
  ) {
    this.#handle = handle;
    this.#onSettled = onSettled;
    this.#onFault = onFault;
  }

  /** Takes the event; what becomes of it is told to `onSettled`. */
  async publish(event: Event): Promise<void> {
    const settling = settled(
      () => this.#handle(event, Date.now()),
      (fault) => this.#onFault(event, fault),
    );
    const taken = settling
      .then((settlement) => this.#onSettled(event, settlement))
      .finally(() => this.#inHand.delete(taken));
    this.#inHand.add(taken);
  }

  /** Resolves when everything taken is settled. */
  async drain(): Promise<void> {
    await Promise.all(this.#inHand);
  }
}
