/** Outcomes within one process: embedded mode. */
import type { EventIdentity, Outcomes, SettledEvent } from './outcomes.ts';

export class MemoryOutcomes implements Outcomes {
  readonly #keptMs: number;
  readonly #now: () => number;
  /** By event id, the most recently touched last. */
  readonly #byId = new Map<string, { readonly bySource: Map<string, SettledEvent>; untilMs: number }>();

  constructor(keptMs: number, now: () => number) {
    this.#keptMs = keptMs;
    this.#now = now;
  }

  record({ source, id }: EventIdentity, settled: SettledEvent): void {
    this.#forget();
    const bySource = this.#byId.get(id)?.bySource ?? new Map<string, SettledEvent>();
    bySource.set(source, settled);
    this.#byId.delete(id);
    this.#byId.set(id, { bySource, untilMs: this.#now() + this.#keptMs });
  }

  async find(id: string): Promise<ReadonlyMap<string, SettledEvent>> {
    this.#forget();
    return new Map(this.#byId.get(id)?.bySource);
  }

  #forget(): void {
    for (const [id, { untilMs }] of this.#byId) {
      if (untilMs > this.#now()) break;
      this.#byId.delete(id);
    }
  }
}
