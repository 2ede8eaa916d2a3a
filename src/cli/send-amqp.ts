/**
 * Publishes an event directly to RabbitMQ, as a producer does: persistent, confirmed, and done only when a queue has
 * it.
 */
import type { ChannelModel } from 'amqplib';
import { connectOnce } from '../adapters/rabbitmq/connecting.ts';
import { EVENTS_EXCHANGE, KEY_HEADER } from '../adapters/rabbitmq/names.ts';
import { type AmqpAddress, amqpPlaceOf } from '../config/amqp-address.ts';
import { type ReadEvent, STRUCTURED_TYPE, textOfEvent } from '../contract/cloudevent.ts';
import { partitionKeyOf } from '../contract/partition-key.ts';
import { within } from '../resilience/timeout.ts';
import { driverReasonOf, Failure } from './failure.ts';

const ANSWER_MS = 10_000;

export async function connectTo(address: AmqpAddress): Promise<ChannelModel> {
  try {
    const model = await connectOnce(address, 'carillon command', ANSWER_MS);
    model.on('error', () => {});
    return model;
  } catch (error) {
    const reason = driverReasonOf(error);
    throw new Failure(
      'broker_unavailable',
      `RabbitMQ at ${amqpPlaceOf(address)} cannot be reached: ${reason}`,
    );
  }
}

/** Closes the connection, for at most `withinMs`. An error does not matter: the connection is not needed any more. */
export async function disconnect(model: ChannelModel, withinMs: number): Promise<void> {
  try {
    await within(withinMs, model.close(), () => {});
  } catch (error) {
    driverReasonOf(error);
  }
}

export async function sendOverAmqp(address: AmqpAddress, read: ReadEvent): Promise<void> {
  const model = await connectTo(address);
  try {
    await confirmed(model, read);
  } catch (error) {
    if (error instanceof Failure) throw error;
    const reason = driverReasonOf(error);
    throw new Failure('broker_unavailable', `RabbitMQ did not take the event: ${reason}`);
  } finally {
    await disconnect(model, ANSWER_MS);
  }
}

async function confirmed(model: ChannelModel, read: ReadEvent): Promise<void> {
  const channel = await model.createConfirmChannel();
  let isReturned = false;
  channel.on('error', () => {});
  channel.on('return', () => {
    isReturned = true;
  });
  await channel.checkExchange(EVENTS_EXCHANGE);
  channel.publish(EVENTS_EXCHANGE, read.event.type, Buffer.from(textOfEvent(read)), {
    headers: { [KEY_HEADER]: partitionKeyOf(read) },
    contentType: STRUCTURED_TYPE,
    persistent: true,
    mandatory: true,
  });
  // While RabbitMQ is short of memory or disk, it reads nothing from publishers and so never confirms.
  await within(ANSWER_MS, channel.waitForConfirms(), () => {
    throw new Error(`no answer within ${ANSWER_MS} ms`);
  });
  if (isReturned) throw new Failure('broker_unavailable', `no queue is bound to exchange ${EVENTS_EXCHANGE}`);
}
