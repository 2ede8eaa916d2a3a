/** What is taken from one queue over one channel, as long as that lasts. Whoever opens it again gets another channel. */
import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import type { Logger } from 'pino';
import { Acks } from '../../adapters/rabbitmq/acks.ts';
import { reasonOf } from '../../resilience/reason.ts';

/** How often it is asked whether events can be kept, while none are taken. */
const WAITING_LOOK_MS = 100;

export interface IntakeOptions {
  readonly queue: string;
  readonly prefetch: number;
  readonly log: Logger;
  /** Aborts when this process stops. */
  readonly stopping: AbortSignal;
  /** Whether events can be kept. Asked often: it MUST be cheap. */
  readonly mayTake: () => boolean;
  readonly onSubscribe: () => void;
  /**
   * `over`: this process stops, or RabbitMQ delivers the message again because its channel is gone. Resolves when it is
   * settled or given up; undefined when it is left to lie. MUST NOT reject.
   */
  readonly onMessage: (
    message: ConsumeMessage,
    acks: Acks<ConsumeMessage>,
    over: AbortSignal,
  ) => Promise<void> | undefined;
  /** Whether it is counted what is in hand of this queue alone: only then it can be given back, or ended. */
  readonly counts: boolean;
  /** The channel is gone, or will be: the queue was deleted. */
  readonly onEnd: (reason: string) => void;
}

export class Intake {
  /** `waiting`: nothing is taken until it can be kept. */
  state: 'none' | 'waiting' | 'taking' = 'none';
  /** RabbitMQ has given something to this channel: of a queue with a single active consumer, it is that one. */
  isActive = false;
  readonly #options: IntakeOptions;
  readonly #inHand = new Set<Promise<void>>();
  #channel: Channel | undefined;
  /** Of the last channel. */
  #acks: Acks<ConsumeMessage> | undefined;
  #isGivingBack = false;
  #isEnded = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  get queue(): string {
    return this.#options.queue;
  }

  /** Lets no acknowledgement wait: the channel will be closed. */
  hurry(): void {
    this.#acks?.hurry();
  }

  /** Of this queue; 0 when it is not counted. */
  get inHand(): number {
    return this.#inHand.size;
  }

  /**
   * Lets the next in line have the queue, and goes to the end of the line. As when a process stops, nothing more is
   * taken before what is in hand is settled, so that the next one cannot overtake it. Rejects when the connection fails.
   */
  async giveBack(model: ChannelModel): Promise<void> {
    if (this.#channel === undefined || this.#isGivingBack) return;
    this.#isGivingBack = true;
    try {
      await this.#letGo();
    } finally {
      this.#isGivingBack = false;
    }
    await this.open(model);
  }

  /** Whether {@link end} was called. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /**
   * Takes nothing more, from this call on and for ever. Resolves when what is in hand is settled, and the rest back in
   * the queue. Never rejects: a channel that cannot be closed is gone with its connection.
   */
  async end(): Promise<void> {
    this.#isEnded = true;
    await this.#letGo().catch(() => {});
  }

  async #letGo(): Promise<void> {
    this.hurry();
    while (this.#inHand.size > 0) await Promise.all(this.#inHand);
    // Acknowledgements leave at the end of the turn.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#channel?.close();
  }

  /** MUST NOT be called before an earlier one has ended. Rejects when RabbitMQ does not let the queue be consumed. */
  async open(model: ChannelModel): Promise<void> {
    const { queue, prefetch, log, stopping, mayTake, onEnd } = this.#options;
    const channel = await model.createChannel();
    this.#channel = channel;
    channel.on('error', (error) =>
      log.warn({ queue, reason: error.message }, 'RabbitMQ closed the consuming channel'),
    );
    const gone = new AbortController();
    channel.on('close', () => {
      gone.abort();
      this.state = 'none';
      this.isActive = false;
      if (this.#channel === channel) this.#channel = undefined;
      if (!this.#isGivingBack && !this.#isEnded) onEnd('the consuming channel closed');
    });
    await channel.prefetch(prefetch);
    const acks = new Acks<ConsumeMessage>(channel, prefetch);
    this.#acks = acks;
    const over = AbortSignal.any([stopping, gone.signal]);
    over.addEventListener('abort', () => acks.hurry(), { once: true });
    // Node warns of more than ten listeners; each dead letter that waits is one.
    setMaxListeners(prefetch + 1, over);
    const take = (message: ConsumeMessage | null) => {
      if (message !== null) this.#take(message, acks, over);
      else {
        // That the queue is gone does not end the channel.
        channel.close().catch(() => {});
        onEnd(`RabbitMQ cancelled the consumer: ${queue} was deleted`);
      }
    };
    if (this.#isEnded) await this.end();
    else if (mayTake()) await this.#subscribe(channel, take);
    else void this.#subscribeLater(channel, take, over);
  }

  #take(message: ConsumeMessage, acks: Acks<ConsumeMessage>, over: AbortSignal): void {
    this.isActive = true;
    // It stays unacknowledged, and goes to the next in line.
    if (this.#isGivingBack || this.#isEnded) {
      acks.took(message);
      return;
    }
    const settling = this.#options.onMessage(message, acks, over);
    if (settling === undefined || !this.#options.counts) return;
    this.#inHand.add(settling);
    void settling.then(() => this.#inHand.delete(settling));
  }

  async #subscribe(channel: Channel, take: (message: ConsumeMessage | null) => void): Promise<void> {
    this.#options.onSubscribe();
    this.state = 'taking';
    await channel.consume(this.#options.queue, take);
    // `end` was called while RabbitMQ was asked.
    if (this.#isEnded) await this.end();
  }

  /** Never rejects. */
  async #subscribeLater(
    channel: Channel,
    take: (message: ConsumeMessage | null) => void,
    over: AbortSignal,
  ): Promise<void> {
    const { queue, log, mayTake } = this.#options;
    this.state = 'waiting';
    log.warn({ code: 'consumer_waits', queue }, 'no events are taken until they can be kept');
    try {
      while (!mayTake()) await pause(WAITING_LOOK_MS, undefined, { signal: over, ref: false });
      await this.#subscribe(channel, take);
      log.info({ queue }, 'events are taken again');
    } catch (error) {
      // The channel is gone, and the next one comes here again; or this process stops.
      if (!over.aborted) log.warn({ queue, reason: reasonOf(error) }, 'events are not taken yet');
    }
  }
}
