/** A channel for questions: RabbitMQ closes it when it answers one with no, and the next question opens another. */
import type { Channel, ChannelModel } from 'amqplib';

/** AMQP 0-9-1 reply codes. */
export const [ACCESS_REFUSED, NOT_FOUND, RESOURCE_LOCKED, PRECONDITION_FAILED] = [
  403, 404, 405, 406,
] as const;

export class Asking {
  readonly #model: ChannelModel;
  #channel: Channel | undefined;

  constructor(model: ChannelModel) {
    this.#model = model;
  }

  async ask(question: (channel: Channel) => PromiseLike<unknown>): Promise<void> {
    await question(this.#channel ?? (await this.#open()));
  }

  /** Returns at once: what RabbitMQ answers changes nothing, and it may never answer (settling.ts). */
  close(): void {
    this.#channel?.close().catch(() => {
      // It is gone with its connection.
    });
  }

  async #open(): Promise<Channel> {
    const channel = await this.#model.createChannel();
    channel.on('error', () => {});
    channel.on('close', () => {
      if (this.#channel === channel) this.#channel = undefined;
    });
    this.#channel = channel;
    return channel;
  }
}

export function isCode(error: unknown, code: number): error is Error {
  return error instanceof Error && 'code' in error && error.code === code;
}
