/** Reads how many messages RabbitMQ's queues hold, at most once every few seconds. */
import type { Channel, ChannelModel } from 'amqplib';
import { within } from '../../resilience/timeout.ts';
import { DEAD_LETTERS, DELIVER_QUEUE } from './topology.ts';

export interface QueueDepth {
  readonly queue: string;
  /** Ready to be delivered; without those that a consumer is working on. */
  readonly messages: number;
  /** Consumers that get messages; without those on standby. */
  readonly consumers: number;
}

const QUEUES = [DELIVER_QUEUE, DEAD_LETTERS];

/** How long an answer is reused. */
const FRESH_MS = 2_000;

/** A queue without a leader does not answer at all, and nobody should wait for it. */
const TIMEOUT_MS = 1_000;

export class QueueDepths {
  readonly #model: () => ChannelModel | undefined;
  #channel: Channel | undefined;
  #answer: { readonly untilMs: number; readonly depths: Promise<readonly QueueDepth[]> } | undefined;

  /**
   * `model` returns the present connection. It should be one that RabbitMQ does not block when it is short of memory.
   */
  constructor(model: () => ChannelModel | undefined) {
    this.#model = model;
  }

  /** Empty when RabbitMQ does not answer in time. Never rejects. */
  async read(): Promise<readonly QueueDepth[]> {
    if (this.#answer === undefined || this.#answer.untilMs < performance.now()) {
      const depths = this.#ask().catch(() => {
        // Whatever the error is, a scrape has no samples then. A missing queue closes the channel; the links declare
        // it again.
        this.#channel = undefined;
        return [];
      });
      this.#answer = { untilMs: performance.now() + FRESH_MS, depths };
    }
    return await within(TIMEOUT_MS, this.#answer.depths, () => []);
  }

  async #ask(): Promise<readonly QueueDepth[]> {
    const channel = this.#channel ?? (await this.#open());
    return await Promise.all(
      QUEUES.map(async (queue) => {
        const { messageCount, consumerCount } = await channel.checkQueue(queue);
        return { queue, messages: messageCount, consumers: consumerCount };
      }),
    );
  }

  /** A separate channel, so that an error here closes no other. */
  async #open(): Promise<Channel> {
    const model = this.#model();
    if (model === undefined) throw new Error('RabbitMQ is not connected');
    const channel = await model.createChannel();
    // A close follows.
    channel.on('error', () => {});
    channel.on('close', () => {
      if (this.#channel === channel) this.#channel = undefined;
    });
    this.#channel = channel;
    return channel;
  }
}
