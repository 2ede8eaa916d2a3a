/**
 * A producer as a backend engineer would write it. Its messages are persistent, confirmed and mandatory. It sends them
 * again when RabbitMQ was away or had no queue for them.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type ChannelModel, type ConfirmChannel, connect, type Options } from 'amqplib';
import { until } from './until.ts';

const EXCHANGE = 'carillon.events';
const RECONNECT_TIMEOUT_MS = 60_000;
const RETURNED_PAUSE_MS = 50;

export interface MadeEvent {
  readonly id: string;
  readonly type: string;
  readonly [attribute: string]: unknown;
}

/** A minimal event. */
export function madeEvent(id: string, attributes: Record<string, unknown> = {}): MadeEvent {
  return { specversion: '1.0', id, source: '/test', type: 'test.made', data: { n: id }, ...attributes };
}

export class Producer {
  readonly #urls: readonly string[];
  readonly #keyOf: ((event: MadeEvent) => string) | undefined;
  #attempts = 0;
  #model: ChannelModel | undefined;
  #channel: ConfirmChannel | undefined;
  #returned = 0;

  /**
   * `url`: one node, or several separated by commas, which are tried in turn. `keyOf`: the key that chooses the
   * partition.
   */
  constructor(url: string, keyOf?: (event: MadeEvent) => string) {
    this.#urls = url.split(',');
    this.#keyOf = keyOf;
  }

  /** Publishes in structured mode. Resolves when RabbitMQ has confirmed all events, in their order. */
  async publish(...events: readonly MadeEvent[]): Promise<void> {
    const messages = events.map((event) => ({
      routingKey: event.type,
      body: Buffer.from(JSON.stringify(event)),
      options: {
        contentType: 'application/cloudevents+json',
        ...(this.#keyOf === undefined ? {} : { headers: { 'carillon-key': this.#keyOf(event) } }),
      },
    }));
    await this.#confirmed(messages);
  }

  /** Publishes in binary mode: the attributes are headers, the body is the data. */
  async publishBinary({ data, ...attributes }: MadeEvent): Promise<void> {
    const headers = Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [`cloudEvents:${name}`, value]),
    );
    const body = Buffer.from(JSON.stringify(data));
    await this.#confirmed([
      { routingKey: attributes.type, body, options: { headers, contentType: 'application/json' } },
    ]);
  }

  /** Publishes a body of any bytes. */
  async publishRaw(body: Buffer, options: Options.Publish = {}, routingKey = 'test.raw'): Promise<void> {
    await this.#confirmed([{ routingKey, body, options }]);
  }

  async close(): Promise<void> {
    await this.#model?.close().catch(() => {});
  }

  async #confirmed(messages: readonly Message[]): Promise<void> {
    for (;;) {
      const channel = await this.#open();
      const returned = this.#returned;
      try {
        for (const { routingKey, body, options } of messages) {
          channel.publish(EXCHANGE, routingKey, body, { persistent: true, mandatory: true, ...options });
        }
        await channel.waitForConfirms();
        // RabbitMQ also confirms a message that no queue took, and returns it before that.
        if (this.#returned === returned) return;
        await pause(RETURNED_PAUSE_MS);
      } catch {
        // Some may have arrived. All are sent again, in order, because the service recognises repeats.
        this.#channel = undefined;
      }
    }
  }

  async #open(): Promise<ConfirmChannel> {
    if (this.#channel !== undefined) return this.#channel;
    await until('RabbitMQ to take a producer', RECONNECT_TIMEOUT_MS, async () => {
      try {
        this.#attempts += 1;
        this.#model = await connect(this.#urls[this.#attempts % this.#urls.length] ?? '');
        this.#model.on('error', () => {});
        const channel = await this.#model.createConfirmChannel();
        channel.on('error', () => {});
        channel.on('return', () => {
          this.#returned += 1;
        });
        channel.on('close', () => {
          this.#channel = undefined;
        });
        await channel.checkExchange(EXCHANGE);
        this.#channel = channel;
        return true;
      } catch {
        return false;
      }
    });
    return this.#open();
  }
}

interface Message {
  readonly routingKey: string;
  readonly body: Buffer;
  readonly options: Options.Publish;
}
