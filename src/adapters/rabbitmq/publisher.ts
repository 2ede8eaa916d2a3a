/** Publishes to RabbitMQ, and resolves only when RabbitMQ has confirmed that a queue holds the message. */
import { randomUUID } from 'node:crypto';
import { type ChannelModel, type ConfirmChannel, IllegalOperationError, type Options } from 'amqplib';
import type { Logger } from 'pino';
import type { AmqpAddress } from '../../config/amqp-address.ts';
import { frameMaxOf } from './amqplib-reader.ts';
import { describe, Link, type LinkState } from './link.ts';
import { DIRECT_EXCHANGE, ONE_QUEUE, SIGNALS_EXCHANGE } from './names.ts';
import { type RabbitMqRefusal, refusalIn } from './refusal.ts';
import { Topology } from './topology.ts';
import type { TopologyClash } from './topology-clash.ts';

/**
 * RabbitMQ is away, blocked, or did not confirm in time. The message may or may not have arrived; the caller may send
 * it again.
 */
class BrokerUnavailable extends Error {
  readonly code = 'broker_unavailable';
}

/** The exchange exists, but no queue takes the message. */
export class Unroutable extends BrokerUnavailable {}

/**
 * RabbitMQ closed the channel or the connection because of what was published: this message, or another at the same
 * time.
 */
export class RefusedByBroker extends BrokerUnavailable {}

/** AMQP 0-9-1 reply codes for a message that is too large or malformed, or on which RabbitMQ fails. */
const REFUSALS: readonly unknown[] = [406, 501, 502, 505, 541];

/** The largest headers that amqplib can write. */
const MAX_HEADER_BYTES = 65_536;
/** Room for the other properties in use, of at most 255 bytes each. */
const OTHER_PROPERTIES_BYTES = 1_024;

const CONFIRM_TIMEOUT_MS = 10_000;

/**
 * Pause after a publish without the right to it: RabbitMQ closes the channel for each one, with everything under way
 * on it.
 */
const REFUSED_PAUSE_MS = 5_000;

/** How long a missing right is reported without a new attempt; it may have been granted by then. */
const BELIEVED_MS = 60_000;

/**
 * A full quorum queue tells each channel when it has room again, but not if a changed policy made the room. Then it
 * goes on refusing messages on channels from before.
 */
const NACKED_CHANNEL_MS = 15_000;

/** amqplib's message for it. */
const NACKED = 'message nacked';

interface Refused {
  readonly refusal: RabbitMqRefusal;
  readonly untilMs: number;
}

export class Publisher {
  readonly #link: Link;
  readonly #topology: Topology;
  readonly #log: Logger;
  /**
   * Correlation ids of messages that came back because no queue took them. RabbitMQ confirms these right afterwards
   * too.
   */
  readonly #returned = new Set<string>();
  /** By exchange, until something is published to it successfully. */
  readonly #refused = new Map<string, Refused>();
  #channel: ConfirmChannel | undefined;
  /** Why RabbitMQ closed the channel or its connection. */
  #closedBy: Error | undefined;
  #openedAtMs = 0;
  #onUnroutable: () => void = () => {};

  constructor(log: Logger, onClash: (clash: TopologyClash) => void, partitioning = ONE_QUEUE) {
    this.#log = log;
    this.#topology = new Topology(partitioning);
    this.#link = new Link('carillon publisher', log, onClash);
  }

  get state(): LinkState {
    return this.#link.state;
  }

  /** Why nothing, or not everything, can be published; undefined when everything can. */
  get trouble(): string | undefined {
    if (this.state !== 'up') return this.#link.reason;
    const nowMs = performance.now();
    const refused = [...this.#refused.values()].find(({ untilMs }) => nowMs < untilMs + BELIEVED_MS);
    return refused === undefined ? undefined : describe(refused.refusal);
  }

  get model(): ChannelModel | undefined {
    return this.#link.model;
  }

  /**
   * The headers of a message and its other properties MUST fit into one frame: a larger one closes the connection.
   */
  get maxHeaderBytes(): number {
    const model = this.#link.model;
    const frameMax = model === undefined ? MAX_HEADER_BYTES : frameMaxOf(model);
    return Math.min(MAX_HEADER_BYTES, frameMax) - OTHER_PROPERTIES_BYTES;
  }

  /** `listener` is called when no queue took a message that one of Carillon's should have taken. */
  onUnroutable(listener: () => void): void {
    this.#onUnroutable = listener;
  }

  async open(address: AmqpAddress): Promise<void> {
    await this.#link.open(address, (model) => this.#setup(model, address));
  }

  /**
   * Publishes a persistent message. Resolves when it is confirmed and a queue has it.
   *
   * @throws {BrokerUnavailable}
   */
  async publish(exchange: string, routingKey: string, body: Buffer, options: Options.Publish): Promise<void> {
    const channel = this.#channel;
    if (channel === undefined || this.state !== 'up')
      throw new BrokerUnavailable(`RabbitMQ is ${this.state}`);
    const refused = this.#refused.get(exchange);
    if (refused !== undefined && performance.now() < refused.untilMs)
      throw new BrokerUnavailable(refused.refusal.message);
    // Identifies this attempt: two with the same message-id may be under way at once.
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
        const confirmed = (error: unknown) => {
          if (this.#returned.delete(correlationId)) {
            // Signals need no listener, and a partition may not be there now: that is no fault in the topology.
            if (exchange !== SIGNALS_EXCHANGE && exchange !== DIRECT_EXCHANGE) this.#onUnroutable();
            reject(new Unroutable(`no queue is bound to exchange ${exchange}`));
          } else if (error && this.#isRefusal) {
            reject(new RefusedByBroker('RabbitMQ closed the channel', { cause: this.#closedBy }));
          } else if (error) {
            this.#renewIfNacked(error, channel);
            fail('RabbitMQ refused the message or closed the channel', error);
          } else resolve();
        };
        try {
          channel.publish(exchange, routingKey, body, properties, confirmed);
        } catch (error) {
          // The connection is closing, and its end has not been reported yet. Any other error is a fault of the
          // message or of the code.
          if (!(error instanceof IllegalOperationError)) throw error;
          fail('the channel has closed', error);
        }
      });
      this.#refused.delete(exchange);
    } finally {
      clearTimeout(late);
    }
  }

  get #isRefusal(): boolean {
    return this.#closedBy !== undefined && 'code' in this.#closedBy && REFUSALS.includes(this.#closedBy.code);
  }

  async close(): Promise<void> {
    await this.#channel?.waitForConfirms().catch(() => {
      // Each publish has already been rejected.
    });
    await this.#link.close();
  }

  #renewIfNacked(error: unknown, channel: ConfirmChannel): void {
    const isNacked = error instanceof Error && error.message === NACKED && channel === this.#channel;
    if (!isNacked || performance.now() - this.#openedAtMs < NACKED_CHANNEL_MS) return;
    this.#link.rebuild('RabbitMQ refuses what is published');
  }

  async #setup(model: ChannelModel, address: AmqpAddress): Promise<void> {
    await this.#topology.ensure(model, address);
    const channel = await model.createConfirmChannel();
    this.#closedBy = undefined;
    const closedBy = (error: Error) => {
      this.#closedBy = error;
    };
    model.on('error', closedBy);
    channel.on('error', (error) => {
      closedBy(error);
      const refusal = refusalIn(error, address);
      const { code, resource } = refusal ?? {};
      if (refusal !== undefined && resource !== undefined && !this.#refused.has(resource))
        this.#log.error({ code, reason: refusal.message }, 'RabbitMQ refuses');
      if (refusal !== undefined && resource !== undefined)
        this.#refused.set(resource, { refusal, untilMs: performance.now() + REFUSED_PAUSE_MS });
      this.#log.warn({ reason: error.message }, 'RabbitMQ closed the publishing channel');
    });
    channel.on('close', () => {
      if (this.#channel === channel) this.#channel = undefined;
      this.#returned.clear();
      this.#link.rebuild('the publishing channel closed');
    });
    channel.on('return', (message) => this.#returned.add(String(message.properties.correlationId)));
    this.#channel = channel;
    this.#openedAtMs = performance.now();
  }
}
