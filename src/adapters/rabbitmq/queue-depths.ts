/** Reads how many messages RabbitMQ's queues hold, at most once every few seconds. */
import type { ChannelModel } from 'amqplib';
import { within } from '../../resilience/timeout.ts';
import { Asking, isCode, NOT_FOUND } from './asking.ts';
import { DEAD_LETTERS, type Partitioning, queuesOfEvents } from './names.ts';

export interface QueueDepth {
  readonly queue: string;
  /** Ready to be delivered; without those that a consumer is working on. */
  readonly messages: number;
  /** Consumers that get messages; without those on standby. */
  readonly consumers: number;
}

/** How long an answer is reused. */
const FRESH_MS = 2_000;

/** A queue without a leader does not answer at all, and nobody should wait for it. */
const TIMEOUT_MS = 1_000;

export class QueueDepths {
  readonly #model: () => ChannelModel | undefined;
  readonly #queues: readonly string[];
  /** A channel of its own, so that an error here closes no other. */
  #asking: { readonly model: ChannelModel; readonly on: Asking } | undefined;
  #answer: { readonly untilMs: number; readonly depths: Promise<readonly QueueDepth[]> } | undefined;

  /**
   * `model` returns the present connection. It should be one that RabbitMQ does not block when it is short of memory.
   */
  constructor(model: () => ChannelModel | undefined, partitioning: Partitioning) {
    this.#model = model;
    this.#queues = [...queuesOfEvents(partitioning), DEAD_LETTERS];
  }

  /** Without those that are missing; empty when RabbitMQ does not answer in time. Never rejects. */
  async read(): Promise<readonly QueueDepth[]> {
    if (this.#answer === undefined || this.#answer.untilMs < performance.now()) {
      // Whatever the error is, a scrape has no samples then.
      const depths = this.#ask().catch(() => []);
      this.#answer = { untilMs: performance.now() + FRESH_MS, depths };
    }
    return await within(TIMEOUT_MS, this.#answer.depths, () => []);
  }

  async #ask(): Promise<readonly QueueDepth[]> {
    const model = this.#model();
    if (model === undefined) throw new Error('RabbitMQ is not connected');
    if (this.#asking?.model !== model) this.#asking = { model, on: new Asking(model) };
    const { on } = this.#asking;
    const depths: QueueDepth[] = [];
    for (const queue of this.#queues) {
      try {
        await on.ask(async (channel) => {
          const { messageCount, consumerCount } = await channel.checkQueue(queue);
          depths.push({ queue, messages: messageCount, consumers: consumerCount });
        });
      } catch (error) {
        if (!isCode(error, NOT_FOUND)) throw error;
      }
    }
    return depths;
  }
}
