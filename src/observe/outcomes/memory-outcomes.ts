/** Outcomes within one process: embedded mode. */
import type { Audience } from '../../contract/audience.ts';
import { type EventIdentity, type Outcomes, type SettledEvent, withoutAudience } from './outcomes.ts';

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

  async forget({ source, id }: EventIdentity, audience: Audience): Promise<void> {
    const bySource = this.#byId.get(id)?.bySource;
    const settled = bySource?.get(source);
    if (bySource === undefined || settled === undefined) return;
    const rest = withoutAudience(settled, audience);
    if (rest === undefined) bySource.delete(source);
    else bySource.set(source, rest);
  }

  #forget(): void {
    for (const [id, { untilMs }] of this.#byId) {
      if (untilMs > this.#now()) break;
      this.#byId.delete(id);
    }
  }
}
