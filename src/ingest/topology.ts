/** Exchanges and queues in RabbitMQ, declared by every process alike so that none depends on another's start. */
import type { Channel } from 'amqplib';

export const EVENTS_EXCHANGE = 'carillon.events';
export const DELIVER_QUEUE = 'carillon.deliver';
export const DEAD_LETTERS = 'carillon.dead';
export const SIGNALS_EXCHANGE = 'carillon.signals';
/** Checks wait here until their time, and then come to the other one. */
export const UNREACHED_WAIT_QUEUE = 'carillon.unreached.wait';
export const UNREACHED_QUEUE = 'carillon.unreached';

/**
 * How often an event may come back unsettled before RabbitMQ itself makes it a dead letter. Only a process that
 * dies with the event in hand counts here, so the bound is far above any series of restarts.
 */
const DELIVERY_LIMIT = 100;

const DELIVER_QUEUE_ARGUMENTS = {
  'x-queue-type': 'quorum',
  // One consumer at a time keeps the order; the others wait to take over.
  'x-single-active-consumer': true,
  'x-delivery-limit': DELIVERY_LIMIT,
  'x-dead-letter-exchange': DEAD_LETTERS,
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
};

/**
 * Whoever looks at dead letters takes them and gives them back, which RabbitMQ counts: with the limit of 20 that
 * RabbitMQ 4 sets by itself, the 21st look would throw them away. With any limit a quorum queue also puts back what is
 * returned where it was, and without one at the end.
 */
const DEAD_LETTERS_ARGUMENTS = { 'x-queue-type': 'quorum', 'x-delivery-limit': 1_000_000_000 };

const UNREACHED_WAIT_ARGUMENTS = {
  'x-queue-type': 'quorum',
  'x-dead-letter-exchange': '',
  'x-dead-letter-routing-key': UNREACHED_QUEUE,
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
};

/** No limit that matters: a check that was in hand when processes died is still to be judged. */
const UNREACHED_ARGUMENTS = {
  'x-queue-type': 'quorum',
  'x-single-active-consumer': true,
  'x-delivery-limit': 1_000_000_000,
};

/** Something of ours exists in RabbitMQ with other properties. Trying again cannot help; an operator must. */
export class TopologyClash extends Error {
  readonly code = 'topology_clash';

  constructor(cause: Error) {
    super(
      `RabbitMQ has a queue or exchange of ours that was declared differently: ${cause.message}. ` +
        'Delete it, or point AMQP_URL at another virtual host.',
      { cause },
    );
  }
}

/**
 * Declares everything; what exists already with the same properties stays as it is.
 *
 * @throws {TopologyClash} when something exists with other properties; RabbitMQ then closes the channel
 */
export async function declareTopology(channel: Channel): Promise<void> {
  try {
    await channel.assertExchange(EVENTS_EXCHANGE, 'topic', { durable: true });
    await channel.assertExchange(SIGNALS_EXCHANGE, 'topic', { durable: true });
    await channel.assertExchange(DEAD_LETTERS, 'topic', { durable: true });
    await channel.assertQueue(DEAD_LETTERS, { durable: true, arguments: DEAD_LETTERS_ARGUMENTS });
    await channel.bindQueue(DEAD_LETTERS, DEAD_LETTERS, '#');
    await channel.assertQueue(DELIVER_QUEUE, { durable: true, arguments: DELIVER_QUEUE_ARGUMENTS });
    await channel.bindQueue(DELIVER_QUEUE, EVENTS_EXCHANGE, '#');
    await channel.assertQueue(UNREACHED_QUEUE, { durable: true, arguments: UNREACHED_ARGUMENTS });
    await channel.assertQueue(UNREACHED_WAIT_QUEUE, { durable: true, arguments: UNREACHED_WAIT_ARGUMENTS });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === PRECONDITION_FAILED)
      throw new TopologyClash(error);
    throw error;
  }
}

/** AMQP 0-9-1 reply code. */
const PRECONDITION_FAILED = 406;
