/** How many messages lie in RabbitMQ's queues, asked of RabbitMQ at most every few seconds. */
import type { Channel, ChannelModel } from 'amqplib';
import { within } from '../../resilience/timeout.ts';
import { DEAD_LETTERS, DELIVER_QUEUE } from './topology.ts';

export interface QueueDepth {
  readonly queue: string;
  /** Ready to be delivered, without those that a consumer has in hand. */
  readonly messages: number;
  /** Without those that wait to take over. */
  readonly consumers: number;
}

const QUEUES = [DELIVER_QUEUE, DEAD_LETTERS];

/** An answer is good for so long, however often somebody asks. */
const FRESH_MS = 2_000;

/** A queue without a leader answers nothing at all, and whoever asks does not wait for it. */
const TIMEOUT_MS = 1_000;

export class QueueDepths {
  readonly #model: () => ChannelModel | undefined;
  #channel: Channel | undefined;
  #answer: { readonly untilMs: number; readonly depths: Promise<readonly QueueDepth[]> } | undefined;

  /** `model`: the present connection. One that RabbitMQ does not block while it is short of memory tells more. */
  constructor(model: () => ChannelModel | undefined) {
    this.#model = model;
  }

  /** Empty when RabbitMQ does not answer in time. Never rejects. */
  async read(): Promise<readonly QueueDepth[]> {
    if (this.#answer === undefined || this.#answer.untilMs < performance.now()) {
      const depths = this.#ask().catch(() => {
        // Whatever it is, a scrape has no samples then. A queue that is missing closes the channel; the links declare it.
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

  /** A channel of its own: what goes wrong here closes no other. */
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
