/** The queue of embedded mode: events go straight to the handler, in order, within this process. */
import { CANARY_TYPE, type Event } from '../../contract/event.ts';
import type { Refusal } from '../../contract/refusal.ts';
import { EventLife } from '../event-life.ts';
import type { EventObservers } from '../event-observer.ts';
import { type Handle, isUntold, type OnFault, settled } from './settlement.ts';

export interface EmbeddedQueueOptions {
  readonly handle: Handle;
  readonly observers: EventObservers;
  /** Keeps what can never be delivered. */
  readonly onDeadLetter: (event: Event, refusal: Refusal) => void;
  readonly onFault: (event: Event, ...fault: Parameters<OnFault>) => void;
}

export class EmbeddedQueue {
  readonly #options: EmbeddedQueueOptions;
  readonly #inHand = new Set<Promise<void>>();

  constructor(options: EmbeddedQueueOptions) {
    this.#options = options;
  }

  /** Takes the event; the observers learn what becomes of it. */
  async publish(event: Event): Promise<void> {
    const taken = this.#settle(event).finally(() => this.#inHand.delete(taken));
    this.#inHand.add(taken);
  }

  /** Resolves when everything taken is settled. */
  async drain(): Promise<void> {
    await Promise.all(this.#inHand);
  }

  async #settle(event: Event): Promise<void> {
    const { handle, observers, onDeadLetter, onFault } = this.#options;
    const life = new EventLife(event, event, Date.now());
    if (event.type !== CANARY_TYPE) observers.received(life);
    const settlement = await settled(
      () => handle(event, life, life.receivedAtMs),
      (fault) => onFault(event, fault),
    );
    if (settlement.kind === 'dead-letter') onDeadLetter(event, settlement.refusal);
    if (!isUntold(settlement)) observers.settled(life, settlement);
  }
}
