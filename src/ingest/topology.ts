/** Exchanges and queues in RabbitMQ, declared by every process alike so that none depends on another's start. */
import type { Channel } from 'amqplib';

export const EVENTS_EXCHANGE = 'carillon.events';
export const DELIVER_QUEUE = 'carillon.deliver';
export const DEAD_LETTERS = 'carillon.dead';
export const SIGNALS_EXCHANGE = 'carillon.signals';

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
    await channel.assertQueue(DEAD_LETTERS, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    await channel.bindQueue(DEAD_LETTERS, DEAD_LETTERS, '#');
    await channel.assertQueue(DELIVER_QUEUE, { durable: true, arguments: DELIVER_QUEUE_ARGUMENTS });
    await channel.bindQueue(DELIVER_QUEUE, EVENTS_EXCHANGE, '#');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === PRECONDITION_FAILED)
      throw new TopologyClash(error);
    throw error;
  }
}

/** AMQP 0-9-1 reply code. */
const PRECONDITION_FAILED = 406;
