/** Merges the batches of all processes into ticks. */
import type { Stage, StageCounts, Tick } from '../../contract/console.ts';
import { addCounts, type Batch, NO_COUNTS } from './batch.ts';
import { addLatencies, percentilesOf } from './latencies.ts';
import { fairShare } from './sampling.ts';

/**
 * A process that sent nothing for this long is gone, and so are its connections. Each one sends something every
 * second.
 */
const SILENT_MS = 5_000;

export class Merger {
  readonly #now: () => number;
  readonly #connections = new Map<string, { readonly count: number; readonly heardAtMs: number }>();
  #reported: number | undefined;
  #counts: StageCounts = NO_COUNTS;
  #latencies = new Map<number, number>();
  #samples: Stage[] = [];
  #dropped = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  add({ node, connections, counts, latencies, samples, dropped }: Batch): void {
    this.#connections.set(node, { count: connections, heardAtMs: this.#now() });
    this.#counts = addCounts(this.#counts, counts);
    addLatencies(this.#latencies, latencies);
    this.#samples.push(...samples);
    this.#dropped += dropped;
  }

  /**
   * What arrived since the last call. Undefined when nothing happened and no connection came or went, or when no
   * process sends anything.
   */
  take(): Tick | undefined {
    const atMs = this.#now();
    const connections = this.#connected(atMs);
    if (connections === undefined) return undefined;
    const hasHappened = Object.values(this.#counts).some((count) => count > 0) || this.#samples.length > 0;
    if (!hasHappened && connections === this.#reported) return undefined;
    const samples = fairShare(this.#samples);
    const tick = {
      atMs,
      counts: this.#counts,
      connections,
      latencyMs: percentilesOf(this.#latencies),
      samples: [...samples],
      dropped: this.#dropped + this.#samples.length - samples.length,
    };
    this.#reported = connections;
    this.#counts = NO_COUNTS;
    this.#latencies = new Map();
    this.#samples = [];
    this.#dropped = 0;
    return tick;
  }

  /** A new watcher needs the present state. */
  repeat(): void {
    this.#reported = undefined;
  }

  /** Undefined when no process sends anything. */
  #connected(nowMs: number): number | undefined {
    let sum = 0;
    for (const [node, { count, heardAtMs }] of this.#connections) {
      if (nowMs - heardAtMs > SILENT_MS) this.#connections.delete(node);
      else sum += count;
    }
    return this.#connections.size === 0 ? undefined : sum;
  }
}
