/** What makes notifications happen at the measured server: another node that goes through Redis, or a producer. */
import type { MadeEvent } from './payload.ts';

export interface Driver {
  /** Those of one call leave together, in one pipeline, in their order. */
  send(events: readonly MadeEvent[]): void;
  /** To whoever is there, if anybody is. Resolves when it was accepted. */
  publish(events: readonly MadeEvent[]): Promise<void>;
  /** Resolves when everything sent was accepted, and throws when something was not. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** Remembers promises that nobody waits for at the time. */
export class Pending {
  #all: Promise<unknown>[] = [];

  add(promise: Promise<unknown>): void {
    // The rejection is told by `settled`; without a listener it would end the process before.
    promise.catch(() => {});
    this.#all.push(promise);
  }

  async settled(): Promise<void> {
    const all = this.#all;
    this.#all = [];
    await Promise.all(all);
  }
}
