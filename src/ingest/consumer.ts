/**
 * The consumer takes events from RabbitMQ and settles each by what became of it.
 *
 * It never cancels its subscription when it stops: RabbitMQ would make the next consumer active at once, and that
 * one's events could overtake what is still in hand here. It lets new deliveries lie, finishes those in hand and
 * closes the connection, upon which RabbitMQ puts what lies back in its old place.
 */
import { setMaxListeners } from 'node:events';
import type { ChannelModel, ConsumeMessage } from 'amqplib';
import type { Logger } from 'pino';
import type { Event } from '../contract/event.ts';
import { reasonOf } from '../contract/reason.ts';
import type { Refusal } from '../contract/refusal.ts';
import { Acks } from './acks.ts';
import { deadLetter, NotCopied } from './dead-letter.ts';
import { readMessage } from './message.ts';
import { publishedAtOf } from './published-at.ts';
import type { Publisher } from './publisher.ts';
import { Link, type LinkState } from './rabbitmq-link.ts';
import { type Handle, RELEASE, type Settlement } from './settlement.ts';
import { DELIVER_QUEUE, declareTopology, type TopologyClash } from './topology.ts';

export interface ConsumerOptions {
  readonly prefetch: number;
  readonly maxBytes: number;
  readonly handle: Handle;
  readonly publisher: Pick<Publisher, 'publish' | 'maxHeaderBytes'>;
  /** The time that publishers go by too. */
  readonly now: () => number;
  readonly log: Logger;
  readonly onClash: (clash: TopologyClash) => void;
  /** `tookMs`: since it was received. `event`: undefined when the message is none. */
  readonly onSettled: (
    settlement: Settlement,
    tookMs: number,
    message: ConsumeMessage,
    event: Event | undefined,
  ) => void;
}

interface InHand {
  readonly message: ConsumeMessage;
  /** By this process's own clock. */
  readonly atMs: number;
}

export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #link: Link;
  readonly #stopping = new AbortController();
  /** In the order of delivery. */
  readonly #inHand = new Map<Promise<void>, InHand>();
  #isActive = false;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#link = new Link('carillon consumer', options.log, options.onClash);
  }

  get state(): LinkState {
    return this.#link.state;
  }

  get model(): ChannelModel | undefined {
    return this.#link.model;
  }

  /** RabbitMQ tells no consumer that it is the active one; it gives events to no other. */
  get isActive(): boolean {
    return this.#isActive;
  }

  get inHand(): number {
    return this.#inHand.size;
  }

  /** How long ago the event that is in hand for the longest was published, or else received; 0 when there is none. */
  get oldestAgeMs(): number {
    const [oldest] = this.#inHand.values();
    if (oldest === undefined) return 0;
    const { content, properties } = oldest.message;
    const read = readMessage(content, properties, this.#options.maxBytes);
    const publishedAtMs = publishedAtOf(properties.headers, read.ok ? read.value.event : undefined);
    const ageMs =
      publishedAtMs === undefined ? performance.now() - oldest.atMs : this.#options.now() - publishedAtMs;
    return Math.max(0, ageMs);
  }

  async open(url: string): Promise<void> {
    await this.#link.open(url, (model) => this.#setup(model));
  }

  /** Takes nothing new and resolves when what is in hand is settled. */
  async drain(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#inHand.keys());
    // Acknowledgements leave at the end of the turn.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Gives everything unsettled back to RabbitMQ. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#link.close();
  }

  async #setup(model: ChannelModel): Promise<void> {
    const { log, prefetch } = this.#options;
    const channel = await model.createChannel();
    channel.on('error', (error) =>
      log.warn({ reason: error.message }, 'RabbitMQ closed the consuming channel'),
    );
    const gone = new AbortController();
    channel.on('close', () => {
      gone.abort();
      this.#isActive = false;
      this.#link.rebuild('the consuming channel closed');
    });
    await declareTopology(channel);
    await channel.prefetch(prefetch);
    const acks = new Acks<ConsumeMessage>(channel);
    const over = AbortSignal.any([this.#stopping.signal, gone.signal]);
    // Node warns of more than ten listeners; each burial that waits is one.
    setMaxListeners(prefetch, over);
    await channel.consume(DELIVER_QUEUE, (message) => {
      if (message === null) this.#link.rebuild('RabbitMQ cancelled the consumer');
      else this.#take(acks, message, over);
    });
  }

  #take(acks: Acks<ConsumeMessage>, message: ConsumeMessage, over: AbortSignal): void {
    this.#isActive = true;
    acks.took(message);
    // What lies is in hand all the same: no acknowledgement may reach over it.
    if (this.#stopping.signal.aborted) return;
    const inHand = { message, atMs: performance.now() };
    const taken = this.#settle(acks, inHand, over).finally(() => this.#inHand.delete(taken));
    this.#inHand.set(taken, inHand);
  }

  /** `over`: this process stops, or RabbitMQ delivers the message again because its channel is gone. */
  async #settle(acks: Acks<ConsumeMessage>, { message, atMs }: InHand, over: AbortSignal): Promise<void> {
    const { handle, maxBytes, onSettled } = this.#options;
    const read = readMessage(message.content, message.properties, maxBytes);
    let settlement: Settlement = read.ok
      ? await handle(read.value.event, publishedAtOf(message.properties.headers, read.value.event))
      : { kind: 'dead-letter', refusal: read.refusal };
    const kept =
      settlement.kind === 'dead-letter' ? await this.#bury(message, settlement.refusal, over) : 'yes';
    if (kept === 'no') settlement = RELEASE;
    onSettled(settlement, performance.now() - atMs, message, read.ok ? read.value.event : undefined);
    if (kept === 'by RabbitMQ') acks.reject(message);
    else if (settlement.kind !== 'release') acks.settle(message);
  }

  /** 'no' when it was given up before RabbitMQ had confirmed it; 'by RabbitMQ' when it MUST be rejected. */
  async #bury(
    message: ConsumeMessage,
    refusal: Refusal,
    over: AbortSignal,
  ): Promise<'yes' | 'no' | 'by RabbitMQ'> {
    const { log, publisher } = this.#options;
    log.warn(
      { code: refusal.code, detail: refusal.message, path: refusal.path, type: message.fields.routingKey },
      'event becomes a dead letter',
    );
    try {
      await deadLetter(message, refusal, publisher, over);
      return 'yes';
    } catch (error) {
      if (!(error instanceof NotCopied)) return 'no';
      log.error(
        { reason: reasonOf(error.cause), type: message.fields.routingKey },
        'dead letter is left to RabbitMQ',
      );
      return 'by RabbitMQ';
    }
  }
}
