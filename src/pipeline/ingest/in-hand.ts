/**
 * The events that a consumer has in hand, of its present channel and of earlier ones, and whether it may be given more.
 *
 * What is in hand when its channel ends, RabbitMQ counts as delivered in vain, once each time, and gives it up after the
 * queue's delivery limit. It ends a channel whose events are held for longer than its `consumer_timeout`. While the
 * store is away that would go on until good events are dead letters. So whoever could settle nothing takes nothing
 * before what it had is settled: its appends go on being tried, and the first that succeed show that the store is back.
 *
 * While only a part of the store is away (a Cluster's shard), other events still get through, and shall: then what is
 * held may come again, a number of times that is far below the limit.
 */
import type { ConsumeMessage } from 'amqplib';

export interface Held {
  readonly message: ConsumeMessage;
  /** Where it was taken from; undefined for Carillon's own queue. */
  readonly queue?: string | undefined;
  /** Of Carillon's own queues, where there are several with events. */
  readonly partition?: string | undefined;
  /** By this process's own clock. */
  readonly atMs: number;
}

/** Of the 100 that the queue's delivery limit allows. */
const MAX_RETURNS = 50;

/** What was taken so much later than another, and is settled before it, was not already under way when that one got stuck. */
const LATER_MS = 10_000;

export class InHand {
  /** In the order of delivery. */
  readonly #held = new Map<Promise<void>, Held>();
  #newestSettledAtMs = Number.NEGATIVE_INFINITY;
  /** Of the present connection. */
  #begunAtMs = Number.POSITIVE_INFINITY;

  /** `settling` MUST NOT reject. */
  add(settling: Promise<void>, held: Held): void {
    this.#held.set(settling, held);
    void settling.then(() => this.#held.delete(settling));
  }

  /** MUST be called for each that RabbitMQ may forget. */
  settled({ atMs }: Held): void {
    this.#newestSettledAtMs = Math.max(this.#newestSettledAtMs, atMs);
  }

  get size(): number {
    return this.#held.size;
  }

  get oldest(): Held | undefined {
    const [oldest] = this.#held.values();
    return oldest;
  }

  /** Resolves when what is in hand now is settled or given up. */
  async end(): Promise<void> {
    await Promise.all(this.#held.keys());
  }

  /** MUST be called with each new connection: what is in hand now, RabbitMQ has given up on. */
  begin(nowMs: number): void {
    this.#begunAtMs = nowMs;
  }

  /** Whether a new channel may bring `most` more, in view of what is in hand of earlier connections. */
  mayTake(most: number): boolean {
    const { oldest } = this;
    if (oldest === undefined || oldest.atMs >= this.#begunAtMs) return true;
    const earlier = [...this.#held.values()].filter(({ atMs }) => atMs < this.#begunAtMs);
    const doOthersGetThrough = this.#newestSettledAtMs - oldest.atMs >= LATER_MS;
    const isAnyNearLimit = earlier.some(({ message }) => returnsOf(message) >= MAX_RETURNS);
    return doOthersGetThrough && earlier.length <= most / 2 && !isAnyNearLimit;
  }
}

/** How often RabbitMQ has delivered it in vain. */
function returnsOf({ properties }: ConsumeMessage): number {
  const count: unknown = properties.headers?.['x-delivery-count'];
  return typeof count === 'number' ? count : 0;
}
