/** Makes notifications happen at the measured server, either as another node through Redis or as a producer. */
import type { MadeEvent } from './payload.ts';

export interface Driver {
  /** Sends events. Those of one call leave together in one pipeline, in their order. */
  send(events: readonly MadeEvent[]): void;
  /** Publishes events, whether or not anybody is connected. Resolves when they were accepted. */
  publish(events: readonly MadeEvent[]): Promise<void>;
  /** Resolves when everything sent was accepted. Rejects when something was not. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** Keeps promises that nobody awaits yet. */
export class Pending {
  #all: Promise<unknown>[] = [];

  add(promise: Promise<unknown>): void {
    // `settled` reports the rejection. Without a handler, it would end the process before.
    promise.catch(() => {});
    this.#all.push(promise);
  }

  async settled(): Promise<void> {
    const all = this.#all;
    this.#all = [];
    await Promise.all(all);
  }
}
