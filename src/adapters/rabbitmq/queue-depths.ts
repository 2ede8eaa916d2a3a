/** Reads how many messages RabbitMQ's queues hold, at most once every few seconds. */
import type { ChannelModel } from 'amqplib';
import { within } from '../../resilience/timeout.ts';
import { ACCESS_REFUSED, Asking, isCode, NOT_FOUND } from './asking.ts';

interface Counts {
  /** Ready to be delivered; without those that a consumer is working on. */
  readonly messages: number;
  /** Consumers that get messages; without those on standby. */
  readonly consumers: number;
}

export interface QueueDepth extends Counts {
  readonly queue: string;
}

/** What RabbitMQ says of a queue, or why it says nothing. `not_allowed`: to the user that this process logs in as. */
export type QueueCounts = Counts | 'missing' | 'not_allowed' | 'not_answered';

export interface QueuesCounted {
  /** By this process's own clock. */
  readonly atMs: number;
  readonly of: ReadonlyMap<string, QueueCounts>;
}

interface Look {
  readonly atMs: number;
  readonly queues: readonly string[];
  /** Those that RabbitMQ has answered so far. */
  readonly answers: ReadonlyMap<string, QueueCounts>;
  /** Resolves when there will be no more. */
  readonly ended: Promise<void>;
}

/** How long an answer is reused. */
const FRESH_MS = 2_000;

/** A queue without a leader does not answer at all, and nobody should wait for it. */
const TIMEOUT_MS = 1_000;

export class QueueDepths {
  readonly #model: () => ChannelModel | undefined;
  readonly #queues: () => readonly string[];
  /** A channel of its own, so that an error here closes no other. */
  #asking: { readonly model: ChannelModel; readonly on: Asking } | undefined;
  #last: Look | undefined;

  /**
   * `model` returns the present connection. It should be one that RabbitMQ does not block when it is short of memory.
   */
  constructor(model: () => ChannelModel | undefined, queues: () => readonly string[]) {
    this.#model = model;
    this.#queues = queues;
  }

  /** Without those that are missing; empty when RabbitMQ does not answer in time about all. Never rejects. */
  async read(): Promise<readonly QueueDepth[]> {
    const counted = [...(await this.look()).of];
    if (counted.some(([, counts]) => counts === 'not_answered' || counts === 'not_allowed')) return [];
    return counted.flatMap(([queue, counts]) => (typeof counts === 'string' ? [] : [{ queue, ...counts }]));
  }

  /** What RabbitMQ says of each queue, in their order. Never rejects. */
  async look(): Promise<QueuesCounted> {
    if (this.#last === undefined || performance.now() - this.#last.atMs > FRESH_MS)
      this.#last = this.#begin();
    const { atMs, queues, answers, ended } = this.#last;
    await within(TIMEOUT_MS, ended, () => {});
    return { atMs, of: new Map(queues.map((queue) => [queue, answers.get(queue) ?? 'not_answered'])) };
  }

  #begin(): Look {
    const queues = this.#queues();
    const answers = new Map<string, QueueCounts>();
    // Whatever the error is, RabbitMQ has not answered about the rest.
    const ended = this.#ask(queues, answers).catch(() => {});
    return { atMs: performance.now(), queues, answers, ended };
  }

  async #ask(queues: readonly string[], answers: Map<string, QueueCounts>): Promise<void> {
    const model = this.#model();
    if (model === undefined) return;
    if (this.#asking?.model !== model) this.#asking = { model, on: new Asking(model) };
    const { on } = this.#asking;
    for (const queue of queues) {
      try {
        await on.ask(async (channel) => {
          const { messageCount, consumerCount } = await channel.checkQueue(queue);
          answers.set(queue, { messages: messageCount, consumers: consumerCount });
        });
      } catch (error) {
        if (isCode(error, NOT_FOUND)) answers.set(queue, 'missing');
        else if (isCode(error, ACCESS_REFUSED)) answers.set(queue, 'not_allowed');
        else throw error;
      }
    }
  }
}
