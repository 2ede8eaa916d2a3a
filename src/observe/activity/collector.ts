/** Collects what one process sees within a tick, in bounded space. */
import { MAX_SAMPLES, type Stage, type StageName } from '../../contract/console.ts';
import type { Seen } from './activity.ts';
import { type Batch, NO_COUNTS } from './batch.ts';
import { addLatencies, roundedLatency } from './latencies.ts';
import { fairShare } from './sampling.ts';

export interface CollectorOptions {
  readonly node: string;
  readonly now: () => number;
}

export class Collector {
  readonly #options: CollectorOptions;
  /** How many sockets this process has. */
  connections: () => number = () => 0;
  #counts = { ...NO_COUNTS };
  #latencies = new Map<number, number>();
  #samples: Stage[] = [];
  /** Samples of each kind, kept apart: one kind alone could fill the tick. */
  #sampled = noneSampled();
  #stages = 0;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  add(seen: Seen): void {
    const { stage, amount } = seen;
    this.#counts[stage] += amount;
    if (!('show' in seen)) return;
    this.#stages += 1;
    if (seen.latencyMs !== undefined) addLatencies(this.#latencies, [[roundedLatency(seen.latencyMs), 1]]);
    if (this.#sampled[seen.stage] >= MAX_SAMPLES) return;
    this.#sampled[seen.stage] += 1;
    const { node, now } = this.#options;
    this.#samples.push({ stage: seen.stage, atMs: now(), node, ...seen.show() });
  }

  /** What was seen since the last call. */
  take(): Batch {
    const samples = fairShare(this.#samples);
    const batch = {
      node: this.#options.node,
      connections: this.connections(),
      counts: this.#counts,
      latencies: [...this.#latencies],
      samples: [...samples],
      dropped: this.#stages - samples.length,
    };
    this.clear();
    return batch;
  }

  /** Discards what was collected while nobody watched. */
  clear(): void {
    this.#counts = { ...NO_COUNTS };
    this.#latencies = new Map();
    this.#samples = [];
    this.#sampled = noneSampled();
    this.#stages = 0;
  }
}

function noneSampled(): Record<StageName, number> {
  return { received: 0, mapped: 0, appended: 0, delivered: 0, dead: 0 };
}
