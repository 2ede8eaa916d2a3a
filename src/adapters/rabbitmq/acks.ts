/**
 * Sends acknowledgements together. One `ack` with `multiple` covers everything up to the first delivery that is not
 * settled; it MUST never cover that one. Settled deliveries after it are acknowledged one by one.
 *
 * Nobody waits for an acknowledgement: it only lets RabbitMQ forget, and send more. So it waits for others, for a
 * moment, and no longer than until a part of the prefetch window is used up. Whoever dies meanwhile leaves events that
 * are delivered again, and recognised as repeats.
 */
import type { Channel } from 'amqplib';
import { unlessClosed } from './closed-channel.ts';

/** What this uses of a channel. */
export type AckChannel = Pick<Channel, 'ack' | 'reject'>;

/** At a thousand events a second, one write for ten. */
const LINGER_MS = 10;

/** This part of the prefetch window waits at most: RabbitMQ MUST always have something to send. */
const MAX_PART = 1 / 4;

export class Acks<Delivery extends Parameters<AckChannel['ack']>[0]> {
  readonly #channel: AckChannel;
  /** So many leave at once. */
  #most: number;
  /** Unacknowledged deliveries in their order; true once settled. */
  readonly #inHand = new Map<Delivery, boolean>();
  #settled: Delivery[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(channel: AckChannel, prefetch: number) {
    this.#channel = channel;
    this.#most = Math.max(1, Math.floor(MAX_PART * prefetch));
  }

  /** MUST be called for every delivery of the channel, in their order. */
  took(delivery: Delivery): void {
    this.#inHand.set(delivery, false);
  }

  settle(delivery: Delivery): void {
    this.#inHand.set(delivery, true);
    const count = this.#settled.push(delivery);
    if (count < this.#most) this.#timer ??= setTimeout(() => this.#leave(), LINGER_MS).unref();
    // With what else is settled in this turn.
    else if (count === this.#most) process.nextTick(() => this.#leave());
  }

  /** From now on nothing lingers: the channel will be closed, and what is not acknowledged comes again. */
  hurry(): void {
    this.#most = 1;
    this.#leave();
  }

  /** RabbitMQ itself makes the message a dead letter, unchanged. */
  reject(delivery: Delivery): void {
    this.#inHand.delete(delivery);
    unlessClosed(() => this.#channel.reject(delivery, false));
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
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
