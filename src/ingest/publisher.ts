/** Publishes to RabbitMQ and answers only when RabbitMQ has confirmed that a queue holds the message. */
import { randomUUID } from 'node:crypto';
import type { ChannelModel, ConfirmChannel, Options } from 'amqplib';
import type { Logger } from 'pino';
import { frameMaxOf } from './amqplib-reader.ts';
import { Link, type LinkState } from './rabbitmq-link.ts';
import { declareTopology, type TopologyClash } from './topology.ts';

/** RabbitMQ is away, blocked, or did not confirm in time. The message may or may not have arrived: send it again. */
class BrokerUnavailable extends Error {
  readonly code = 'broker_unavailable';
}

/** RabbitMQ has the exchange, and no queue takes the message. */
export class Unroutable extends BrokerUnavailable {}

/** RabbitMQ closed the channel or the connection over what was published: this message, or another at the same time. */
export class RefusedByBroker extends BrokerUnavailable {}

/** AMQP 0-9-1 reply codes for a message that is too large or malformed, or that RabbitMQ stumbles over. */
const REFUSALS: readonly unknown[] = [406, 501, 502, 505, 541];

/** What amqplib can write. */
const MAX_HEADER_BYTES = 65_536;
/** For the other properties that are used here, of at most 255 bytes each. */
const OTHER_PROPERTIES_BYTES = 1_024;

const CONFIRM_TIMEOUT_MS = 10_000;

export class Publisher {
  readonly #link: Link;
  readonly #log: Logger;
  /** Correlation ids of messages that no queue took, and that came back. RabbitMQ confirms those too, right after. */
  readonly #returned = new Set<string>();
  #channel: ConfirmChannel | undefined;
  /** Why RabbitMQ has closed the channel or its connection. */
  #closedBy: Error | undefined;

  constructor(log: Logger, onClash: (clash: TopologyClash) => void) {
    this.#log = log;
    this.#link = new Link('carillon publisher', log, onClash);
  }

  get state(): LinkState {
    return this.#link.state;
  }

  get model(): ChannelModel | undefined {
    return this.#link.model;
  }

  /** All headers of a message MUST fit into one frame with its other properties: a larger one closes the connection. */
  get maxHeaderBytes(): number {
    const model = this.#link.model;
    const frameMax = model === undefined ? MAX_HEADER_BYTES : frameMaxOf(model);
    return Math.min(MAX_HEADER_BYTES, frameMax) - OTHER_PROPERTIES_BYTES;
  }

  async open(url: string): Promise<void> {
    await this.#link.open(url, (model) => this.#setup(model));
  }

  /**
   * Persistent, confirmed, and only counted as published when a queue took it.
   *
   * @throws {BrokerUnavailable}
   */
  async publish(exchange: string, routingKey: string, body: Buffer, options: Options.Publish): Promise<void> {
    const channel = this.#channel;
    if (channel === undefined || this.state !== 'up')
      throw new BrokerUnavailable(`RabbitMQ is ${this.state}`);
    // Of this one attempt: two with the same message-id may be on their way at once.
    const correlationId = randomUUID();
    const properties = { ...options, correlationId, persistent: true, mandatory: true };
    let late: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const fail = (why: string, cause?: unknown) => reject(new BrokerUnavailable(why, { cause }));
        late = setTimeout(
          fail,
          CONFIRM_TIMEOUT_MS,
          `RabbitMQ did not confirm within ${CONFIRM_TIMEOUT_MS} ms`,
        );
        channel.publish(exchange, routingKey, body, properties, (error: unknown) => {
          if (this.#returned.delete(correlationId))
            reject(new Unroutable(`no queue is bound to exchange ${exchange}`));
          else if (error && this.#isRefusal)
            reject(new RefusedByBroker('RabbitMQ closed the channel', { cause: this.#closedBy }));
          else if (error) fail('RabbitMQ refused the message or closed the channel', error);
          else resolve();
        });
      });
    } finally {
      clearTimeout(late);
    }
  }

  get #isRefusal(): boolean {
    return this.#closedBy !== undefined && 'code' in this.#closedBy && REFUSALS.includes(this.#closedBy.code);
  }

  async close(): Promise<void> {
    await this.#channel?.waitForConfirms().catch(() => {
      // Each publish has been told already.
    });
    await this.#link.close();
  }

  async #setup(model: ChannelModel): Promise<void> {
    const channel = await model.createConfirmChannel();
    this.#closedBy = undefined;
    const closedBy = (error: Error) => {
      this.#closedBy = error;
    };
    model.on('error', closedBy);
    channel.on('error', closedBy);
    channel.on('error', (error) =>
      this.#log.warn({ reason: error.message }, 'RabbitMQ closed the publishing channel'),
    );
    channel.on('close', () => {
      if (this.#channel === channel) this.#channel = undefined;
      this.#returned.clear();
      this.#link.rebuild('the publishing channel closed');
    });
    channel.on('return', (message) => this.#returned.add(String(message.properties.correlationId)));
    await declareTopology(channel);
    this.#channel = channel;
  }
}
