/**
 * The queue `carillon.dead`, looked at and emptied by hand. RabbitMQ cannot show a queue: letters are taken one by one,
 * held, and given back.
 *
 * They are given back by one `nack` of them all, which keeps their order. When the connection is lost RabbitMQ puts them
 * back by itself, all of them but in any order: whoever reads them sorts by time.
 *
 * A connection of its own for each taking: when it is lost the taking is over and nothing has to be set up again.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Channel, ChannelModel, GetMessage } from 'amqplib';
import { readHeadersSafely } from '../../adapters/rabbitmq/amqplib-reader.ts';
import { ACCESS_REFUSED, isCode, NOT_FOUND, RESOURCE_LOCKED } from '../../adapters/rabbitmq/asking.ts';
import { unlessClosed } from '../../adapters/rabbitmq/closed-channel.ts';
import { connectOnce } from '../../adapters/rabbitmq/connecting.ts';
import { DEAD_LETTERS, DEAD_LETTERS_LOCK, EVENTS_EXCHANGE } from '../../adapters/rabbitmq/names.ts';
import type { Publisher } from '../../adapters/rabbitmq/publisher.ts';
import type { AmqpAddress } from '../../config/amqp-address.ts';
import { fingerprintOf } from '../../pipeline/ingest/message.ts';
import { PUBLISHED_AT_HEADER } from '../../pipeline/ingest/published-at.ts';
import { arrivalIn, originHeaders } from '../../pipeline/sources/arrival.ts';
import { reasonOf } from '../../resilience/reason.ts';
import { within } from '../../resilience/timeout.ts';
import {
  type DeadLetterStore,
  DeadLettersUnavailable,
  type Lease,
  type StoredDeadLetter,
  type Taken,
} from './dead-letter-store.ts';
import { sizeOfHeaders, writable } from './writable-message.ts';

/** Longer than one redrive may take. */
const LOCK_WAIT_MS = 20_000;
const LOCK_AGAIN_MS = 100;

const ANSWER_MS = 10_000;

/** A channel of RabbitMQ's passes on so many acknowledgements of a quorum queue's letters, 32, without waiting. */
const MAX_UNPROVED = 30;

/** More than a request settles: who walks through all of them settles each at once, or not at all. */
const MAX_IDENTITIES = 10_000;

/** How long it is awaited that RabbitMQ counts what was given back. */
const RETURN_MS = 2_000;

export class RabbitMqDeadLetterStore implements DeadLetterStore {
  readonly #address: AmqpAddress;
  readonly #publisher: Publisher;

  constructor(address: AmqpAddress, publisher: Publisher) {
    this.#address = address;
    this.#publisher = publisher;
  }

  async take(): Promise<Lease> {
    const model = await reached(connectOnce(this.#address, 'carillon dead letters', ANSWER_MS));
    // Whoever waits for an answer gets what goes wrong.
    model.on('error', () => {});
    try {
      readHeadersSafely(model);
      await lock(model, this.#address);
      const channel = await reached(model.createChannel());
      channel.on('error', () => {});
      return new RabbitMqTaking(model, channel);
    } catch (error) {
      await hangUp(model);
      throw error;
    }
  }

  canSendAgain(deadLetter: StoredDeadLetter): boolean {
    return !this.#writable(deadLetter).losesAttributes;
  }

  async sendAgain(deadLetter: StoredDeadLetter): Promise<void> {
    const { routingKey, properties, losesAttributes } = this.#writable(deadLetter);
    if (losesAttributes)
      throw new DeadLettersUnavailable('broker_unavailable', 'its attributes have no room');
    await this.#publisher.publish(EVENTS_EXCHANGE, routingKey, deadLetter.content, {
      ...properties,
      headers: {
        ...properties.headers,
        ...originHeaders(arrivalIn(deadLetter)),
        [PUBLISHED_AT_HEADER]: Date.now(),
      },
    });
  }

  async keep({ content, fields, properties }: StoredDeadLetter): Promise<void> {
    const { contentType, messageId, headers } = properties;
    await this.#publisher.publish(DEAD_LETTERS, fields.routingKey, content, {
      contentType,
      messageId,
      headers,
    });
  }

  #writable(deadLetter: StoredDeadLetter) {
    const bytes = sizeOfHeaders(originHeaders(arrivalIn(deadLetter))) + STAMP_BYTES;
    return writable(deadLetter, (name) => ADDED.test(name), this.#publisher.maxHeaderBytes - bytes);
  }
}

/** Of the header that says when it was published. */
const STAMP_BYTES = 64;

/** What Carillon and RabbitMQ have added on the way here, and what would make RabbitMQ route it elsewhere too. */
const ADDED = /^(x-carillon-.*|x-(first-|last-)?death.*|x-delivery-count|CC|BCC)$/;

class RabbitMqTaking implements Lease {
  readonly #model: ChannelModel;
  readonly #channel: Channel;
  /** What `ack` wants besides the tag. */
  #first: GetMessage | undefined;
  #inHand = 0;
  /** Of the letter that was settled last, and is not acknowledged before the next one is. */
  #lastSettled: number | undefined;
  #acknowledged = 0;
  readonly #identities = new Map<number, string>();

  constructor(model: ChannelModel, channel: Channel) {
    this.#model = model;
    this.#channel = channel;
  }

  async next(): Promise<Taken | undefined> {
    const deadLetter = await reached(this.#channel.get(DEAD_LETTERS));
    if (deadLetter === false) return undefined;
    this.#first ??= { ...deadLetter, content: Buffer.alloc(0) };
    this.#inHand += 1;
    this.#identities.set(deadLetter.fields.deliveryTag, identityOf(deadLetter));
    const [oldest] = this.#identities.keys();
    if (this.#identities.size > MAX_IDENTITIES && oldest !== undefined) this.#identities.delete(oldest);
    return { deadLetter, tag: deadLetter.fields.deliveryTag };
  }

  settle(tag: number): void {
    this.#inHand -= 1;
    if (this.#lastSettled !== undefined) this.#acknowledge(this.#lastSettled);
    this.#lastSettled = tag;
  }

  #acknowledge(tag: number): void {
    if (this.#first === undefined) return;
    this.#acknowledged += 1;
    const letter = { ...this.#first, fields: { ...this.#first.fields, deliveryTag: tag } };
    // When the channel has closed RabbitMQ has it again, and the copy that was sent is recognised as a repeat.
    unlessClosed(() => this.#channel.ack(letter));
  }

  async close(): Promise<void> {
    const last = this.#lastSettled;
    try {
      // What is given back proves the acknowledgements before it, too.
      if (last !== undefined && (this.#inHand > 0 || this.#acknowledged < MAX_UNPROVED))
        this.#acknowledge(last);
      else if (last !== undefined) await this.#proveAll(last);
      if (this.#inHand > 0) await this.#giveBack();
      await reached(this.#channel.close());
    } catch {
      // Whatever failed, RabbitMQ gives back by itself when the connection ends, which it does next.
    }
    await hangUp(this.#model);
  }

  /**
   * RabbitMQ answers no acknowledgement, and forgets what it has not passed on yet to the queue when the channel closes.
   * So the last letter is given back: once it is there again, all others are gone. It is the first in the queue.
   */
  async #proveAll(lastSettled: number): Promise<void> {
    this.#inHand = 1;
    await this.#giveBack();
    this.#inHand = 0;
    const deadLetter = await reached(this.#channel.get(DEAD_LETTERS));
    // What is not acknowledged goes back with the channel.
    if (deadLetter !== false && identityOf(deadLetter) === this.#identities.get(lastSettled))
      this.#acknowledge(deadLetter.fields.deliveryTag);
  }

  /** RabbitMQ gives back little by little, and the next operator would see a part. */
  async #giveBack(): Promise<void> {
    this.#channel.nackAll(true);
    const deadline = Date.now() + RETURN_MS;
    while (Date.now() < deadline) {
      const { messageCount } = await reached(this.#channel.checkQueue(DEAD_LETTERS));
      if (messageCount >= this.#inHand) return;
      await pause(10);
    }
  }
}

function identityOf(deadLetter: StoredDeadLetter): string {
  return `${fingerprintOf(deadLetter)} ${deadLetter.properties.headers?.['x-carillon-time']}`;
}

/**
 * Whoever has the lock has the dead letters, and RabbitMQ takes it away with its owner's connection. It is an exclusive
 * queue; or, where Carillon declares nothing, the only consumer of a queue that was declared for it. Where there is such
 * a queue, both take it alike.
 */
async function lock(model: ChannelModel, { declares }: AmqpAddress): Promise<void> {
  const deadline = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    if (declares && (await isGiven(model, declareLock, []))) return;
    // Another's exclusive queue may be gone meanwhile, and who declares needs no right to read it.
    if (await isGiven(model, consumeLock, declares ? [NOT_FOUND, ACCESS_REFUSED] : [])) return;
    if (Date.now() > deadline) {
      throw new DeadLettersUnavailable('dead_letters_busy', 'somebody else has the dead letters in hand');
    }
    await pause(LOCK_AGAIN_MS);
  }
}

const declareLock = (channel: Channel) =>
  channel.assertQueue(DEAD_LETTERS_LOCK, { exclusive: true, autoDelete: true, durable: false });

const consumeLock = (channel: Channel) => channel.consume(DEAD_LETTERS_LOCK, () => {}, { exclusive: true });

async function isGiven(
  model: ChannelModel,
  take: (channel: Channel) => PromiseLike<unknown>,
  asLocked: readonly number[],
): Promise<boolean> {
  const channel = await reached(model.createChannel());
  channel.on('error', () => {});
  try {
    await reached(take(channel));
    return true;
  } catch (error) {
    const cause = error instanceof DeadLettersUnavailable ? error.cause : error;
    if (isInUse(cause) || [RESOURCE_LOCKED, ...asLocked].some((code) => isCode(cause, code))) return false;
    throw error;
  }
}

/** RabbitMQ has the same code for what somebody else consumes and for what this user may not. */
function isInUse(error: unknown): boolean {
  return isCode(error, ACCESS_REFUSED) && / in exclusive use/.test(error.message);
}

/** An answer of RabbitMQ's, or that there was none: a queue without a leader keeps silent for as long as that lasts. */
async function reached<T>(answer: PromiseLike<T>): Promise<T> {
  try {
    return await within(ANSWER_MS, answer, () => {
      throw new Error(`RabbitMQ did not answer within ${ANSWER_MS} ms`);
    });
  } catch (error) {
    // What is awaited here is RabbitMQ's alone: whatever it rejects with, RabbitMQ or the way to it refused.
    throw new DeadLettersUnavailable('broker_unavailable', reasonOf(error), error);
  }
}

async function hangUp(model: ChannelModel): Promise<void> {
  await reached(model.close()).catch(() => {
    // It was gone already, or its heartbeat ends it.
  });
}
