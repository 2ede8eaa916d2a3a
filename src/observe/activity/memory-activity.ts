/** Activity of embedded mode, where there is one process. */
import type { Tick } from '../../contract/console.ts';
import type { Activity, Seen } from './activity.ts';
import { Collector, type CollectorOptions } from './collector.ts';
import { Merger } from './merger.ts';
import { everyWindow } from './windows.ts';

export class MemoryActivity implements Activity {
  readonly #collector: Collector;
  readonly #merger: Merger;
  readonly #listeners = new Set<(tick: Tick) => void>();
  #stopWindows: (() => void) | undefined;

  constructor(options: CollectorOptions) {
    this.#collector = new Collector(options);
    this.#merger = new Merger(options.now);
  }

  get isWatched(): boolean {
    return this.#listeners.size > 0;
  }

  record(seen: Seen): void {
    if (this.isWatched) this.#collector.add(seen);
  }

  setConnectionCount(connections: () => number): void {
    this.#collector.connections = connections;
  }

  watch(listener: (tick: Tick) => void): () => void {
    // Wrapped, because two watchers may pass the same function.
    const own = (tick: Tick) => listener(tick);
    this.#listeners.add(own);
    this.#merger.repeat();
    this.#stopWindows ??= everyWindow(0, () => this.#deliver());
    return () => {
      this.#listeners.delete(own);
      if (!this.isWatched) this.#rest();
    };
  }

  close(): void {
    this.#listeners.clear();
    this.#rest();
  }

  #deliver(): void {
    this.#merger.add(this.#collector.take());
    const tick = this.#merger.take();
    if (tick !== undefined) for (const listener of this.#listeners) listener(tick);
  }

  #rest(): void {
    this.#stopWindows?.();
    this.#stopWindows = undefined;
    this.#collector.clear();
  }
}
