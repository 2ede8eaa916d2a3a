/** Signals about what users and operators do, for listeners within this process: embedded mode. */
import { randomUUID } from 'node:crypto';
import { type ClientSignal, encodeSignal, type SignalData, type Signals } from '../../contract/signal.ts';
import type { Listeners } from './listeners.ts';

export interface MemorySignalsOptions {
  readonly node: string;
  readonly wanted: readonly ClientSignal[];
  readonly listeners: Pick<Listeners, 'emit'>;
  /** `unrouted`: nobody listens. */
  readonly onSignal: (name: ClientSignal, outcome: 'published' | 'unrouted') => void;
}

export class MemorySignals implements Signals {
  readonly #options: MemorySignalsOptions;
  readonly #wanted: ReadonlySet<ClientSignal>;
  readonly #source: string;

  constructor(options: MemorySignalsOptions) {
    this.#options = options;
    this.#wanted = new Set(options.wanted);
    this.#source = `/carillon/${options.node}`;
  }

  wants(name: ClientSignal): boolean {
    return this.#wanted.has(name);
  }

  emit<N extends ClientSignal>(name: N, data: SignalData<N>): void {
    if (!this.wants(name)) return;
    const { listeners, onSignal } = this.#options;
    const { body } = encodeSignal(name, { id: randomUUID(), source: this.#source }, data);
    onSignal(name, listeners.emit(body) ? 'published' : 'unrouted');
  }
}
