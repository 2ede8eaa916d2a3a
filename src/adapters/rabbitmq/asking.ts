/** A channel for questions: RabbitMQ closes it when it answers one with no, and the next question opens another. */
import type { Channel, ChannelModel } from 'amqplib';

/** AMQP 0-9-1 reply codes. */
export const [ACCESS_REFUSED, NOT_FOUND, RESOURCE_LOCKED, PRECONDITION_FAILED] = [
  403, 404, 405, 406,
] as const;

export class Asking {
  readonly model: ChannelModel;
  #channel: Channel | undefined;

  constructor(model: ChannelModel) {
    this.model = model;
  }

  async ask(question: (channel: Channel) => PromiseLike<unknown>): Promise<void> {
    await question(this.#channel ?? (await this.#open()));
  }

  /** Whether it exists. For a user without the right to know, it does not. */
  async has(thing: { readonly exchange: string } | { readonly queue: string }): Promise<boolean> {
    try {
      await this.ask((channel) =>
        'queue' in thing ? channel.checkQueue(thing.queue) : channel.checkExchange(thing.exchange),
      );
      return true;
    } catch (error) {
      if (isCode(error, NOT_FOUND) || isCode(error, ACCESS_REFUSED)) return false;
      throw error;
    }
  }

  /**
   * The same of an exchange that is bound to something whenever it is there, without an error in RabbitMQ's log when it
   * is not: it is asked to be deleted unless it is in use. Undefined for a user without the right to.
   */
  async hasBound(exchange: string): Promise<boolean | undefined> {
    try {
      await this.ask((channel) => channel.deleteExchange(exchange, { ifUnused: true }));
      return false;
    } catch (error) {
      if (isCode(error, PRECONDITION_FAILED)) return true;
      if (isCode(error, ACCESS_REFUSED)) return undefined;
      throw error;
    }
  }

  /** Returns at once: what RabbitMQ answers changes nothing, and it may never answer (settling.ts). */
  close(): void {
    this.#channel?.close().catch(() => {
      // It is gone with its connection.
    });
  }

  async #open(): Promise<Channel> {
    const channel = await this.model.createChannel();
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
