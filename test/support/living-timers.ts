/** Counts the timers of this process that have neither fired nor been cleared, also those that nobody waits for. */
import { createHook } from 'node:async_hooks';

export class LivingTimers {
  readonly #makers = new Map<number, string>();
  readonly #hook = createHook({
    init: (id, type) => {
      if (type === 'Timeout') this.#makers.set(id, makerIn(new Error().stack ?? ''));
    },
    destroy: (id) => void this.#makers.delete(id),
  });

  constructor() {
    this.#hook.enable();
  }

  /** Those that code below this folder has made, each with the line that did. */
  madeIn(folder: string): readonly string[] {
    return [...this.#makers.values()].filter((maker) => maker.includes(folder));
  }

  stop(): void {
    this.#hook.disable();
  }
}

/** The first line that is neither Node's nor this file's. */
function makerIn(stack: string): string {
  const lines = stack.split('\n').slice(1);
  return lines.find((line) => !/\(node:|living-timers/.test(line)) ?? '';
}
