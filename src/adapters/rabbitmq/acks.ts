/**
 * Acknowledgements of one turn of the event loop leave together: everything up to the first delivery that is still in
 * hand by one `ack` with `multiple`, which MUST never cover a delivery that is not settled; those behind it one by one.
 */
import type { Channel } from 'amqplib';
import { unlessClosed } from './closed-channel.ts';

/** What is used of a channel. */
export type AckChannel = Pick<Channel, 'ack' | 'reject'>;

export class Acks<Delivery extends Parameters<AckChannel['ack']>[0]> {
  readonly #channel: AckChannel;
  /** In the order of delivery; true once it may be acknowledged. */
  readonly #inHand = new Map<Delivery, boolean>();
  #settled: Delivery[] = [];

  constructor(channel: AckChannel) {
    this.#channel = channel;
  }

  /** MUST be called for every delivery of the channel, in their order. */
  took(delivery: Delivery): void {
    this.#inHand.set(delivery, false);
  }

  settle(delivery: Delivery): void {
    this.#inHand.set(delivery, true);
    if (this.#settled.push(delivery) === 1) process.nextTick(() => this.#leave());
  }

  /** RabbitMQ itself makes it a dead letter, as it came. */
  reject(delivery: Delivery): void {
    this.#inHand.delete(delivery);
    unlessClosed(() => this.#channel.reject(delivery, false));
  }

  #leave(): void {
    const settled = this.#settled;
    this.#settled = [];
    let last: Delivery | undefined;
    for (const [delivery, isSettled] of this.#inHand) {
      if (!isSettled) break;
      last = delivery;
      this.#inHand.delete(delivery);
    }
    // When the channel has closed RabbitMQ delivers again, and the repeats are recognised.
    unlessClosed(() => {
      if (last !== undefined) this.#channel.ack(last, true);
      for (const delivery of settled) if (this.#inHand.delete(delivery)) this.#channel.ack(delivery);
    });
  }
}
