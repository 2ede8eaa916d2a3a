/** Signals of what users do, told to whoever listens within this process: embedded mode. */
import { randomUUID } from 'node:crypto';
import { type Activity, encodeSignal, type SignalData, type Signals } from '../../contract/signal.ts';
import type { Listeners } from './listeners.ts';

export interface MemorySignalsOptions {
  readonly node: string;
  readonly wanted: readonly Activity[];
  readonly listeners: Pick<Listeners, 'tell'>;
  /** `unrouted`: nobody listens. */
  readonly onSignal: (name: Activity, outcome: 'published' | 'unrouted') => void;
}

export class MemorySignals implements Signals {
  readonly #options: MemorySignalsOptions;
  readonly #wanted: ReadonlySet<Activity>;
  readonly #source: string;

  constructor(options: MemorySignalsOptions) {
    this.#options = options;
    this.#wanted = new Set(options.wanted);
    this.#source = `/carillon/${options.node}`;
  }

  wants(name: Activity): boolean {
    return this.#wanted.has(name);
  }

  emit<N extends Activity>(name: N, data: SignalData<N>): void {
    if (!this.wants(name)) return;
    const { listeners, onSignal } = this.#options;
    const { body } = encodeSignal(name, { id: randomUUID(), source: this.#source }, data);
    onSignal(name, listeners.tell(body) ? 'published' : 'unrouted');
  }
}
