/**
 * Sends the acknowledgements of one turn of the event loop together. One `ack` with `multiple` covers everything up
 * to the first delivery that is not settled; it MUST never cover that one. Settled deliveries after it are
 * acknowledged one by one.
 */
import type { Channel } from 'amqplib';
import { unlessClosed } from './closed-channel.ts';

/** What this uses of a channel. */
export type AckChannel = Pick<Channel, 'ack' | 'reject'>;

export class Acks<Delivery extends Parameters<AckChannel['ack']>[0]> {
  readonly #channel: AckChannel;
  /** Unacknowledged deliveries in their order; true once settled. */
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

  /** RabbitMQ itself makes the message a dead letter, unchanged. */
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
    // If the channel has closed, RabbitMQ delivers the messages again, and they are recognised as repeats.
    unlessClosed(() => {
      if (last !== undefined) this.#channel.ack(last, true);
      for (const delivery of settled) if (this.#inHand.delete(delivery)) this.#channel.ack(delivery);
    });
  }
}
