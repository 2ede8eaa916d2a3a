/** Publishes to RabbitMQ and answers only when RabbitMQ has confirmed that a queue holds the message. */
import { randomUUID } from 'node:crypto';
import type { ChannelModel, ConfirmChannel, Options } from 'amqplib';
import type { Logger } from 'pino';
import { Link, type LinkState } from './rabbitmq-link.ts';
import { SIGNALS_EXCHANGE, Topology, type TopologyClash } from './topology.ts';

/** RabbitMQ is away, blocked, or did not confirm in time. The message may or may not have arrived: send it again. */
class BrokerUnavailable extends Error {
  readonly code = 'broker_unavailable';
}

/** RabbitMQ has the exchange, and no queue takes the message. */
export class Unroutable extends BrokerUnavailable {}

const CONFIRM_TIMEOUT_MS = 10_000;

export class Publisher {
  readonly #link: Link;
  readonly #topology = new Topology();
  readonly #log: Logger;
  /** Correlation ids of messages that no queue took, and that came back. RabbitMQ confirms those too, right after. */
  readonly #returned = new Set<string>();
  #channel: ConfirmChannel | undefined;
  #onUnroutable: () => void = () => {};

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

  /** `listener` is told when no queue took a message although one of Carillon's should have. */
  onUnroutable(listener: () => void): void {
    this.#onUnroutable = listener;
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
          if (this.#returned.delete(correlationId)) {
            // That nobody listens to signals is nothing to mend.
            if (exchange !== SIGNALS_EXCHANGE) this.#onUnroutable();
            reject(new Unroutable(`no queue is bound to exchange ${exchange}`));
          } else if (error) fail('RabbitMQ refused the message or closed the channel', error);
          else resolve();
        });
      });
    } finally {
      clearTimeout(late);
    }
  }

  async close(): Promise<void> {
    await this.#channel?.waitForConfirms().catch(() => {
      // Each publish has been told already.
    });
    await this.#link.close();
  }

  async #setup(model: ChannelModel): Promise<void> {
    await this.#topology.declare(model);
    const channel = await model.createConfirmChannel();
    channel.on('error', (error) =>
      this.#log.warn({ reason: error.message }, 'RabbitMQ closed the publishing channel'),
    );
    channel.on('close', () => {
      if (this.#channel === channel) this.#channel = undefined;
      this.#returned.clear();
      this.#link.rebuild('the publishing channel closed');
    });
    channel.on('return', (message) => this.#returned.add(String(message.properties.correlationId)));
    this.#channel = channel;
  }
}
