/** Counts the timers of this process that have neither fired nor been cleared, unreferenced ones included. */
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

  /** The timers that code in this folder has started, each with the line that started it. */
  madeIn(folder: string): readonly string[] {
    return [...this.#makers.values()].filter((maker) => maker.includes(folder));
  }

  stop(): void {
    this.#hook.disable();
  }
}

/** The first line of the stack that belongs neither to Node nor to this file. */
function makerIn(stack: string): string {
  const lines = stack.split('\n').slice(1);
  return lines.find((line) => !/\(node:|living-timers/.test(line)) ?? '';
}
