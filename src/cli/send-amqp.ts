/**
 * Publishes an event directly to RabbitMQ, as a producer does: persistent, confirmed, and done only when a queue has
 * it.
 */
import { type ChannelModel, connect } from 'amqplib';
import { credentialsIn } from '../adapters/rabbitmq/link.ts';
import { EVENTS_EXCHANGE } from '../adapters/rabbitmq/topology.ts';
import { faultInAmqpUrl } from '../config/addresses.ts';
import { type ReadEvent, STRUCTURED_TYPE, textOfEvent } from '../contract/cloudevent.ts';
import { withoutPassword } from '../observe/log.ts';
import { within } from '../resilience/timeout.ts';
import { driverReasonOf, Failure } from './failure.ts';

const ANSWER_MS = 10_000;

export async function connectTo(url: string): Promise<ChannelModel> {
  const fault = faultInAmqpUrl(url);
  if (fault !== undefined) throw Failure.wrongUsage(`the address of RabbitMQ: ${fault}`);
  try {
    const model = await connect(url, { timeout: ANSWER_MS, noDelay: true, ...credentialsIn(url) });
    model.on('error', () => {});
    return model;
  } catch (error) {
    const reason = driverReasonOf(error);
    throw new Failure(
      'broker_unavailable',
      `RabbitMQ at ${withoutPassword(url)} cannot be reached: ${reason}`,
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

export async function sendOverAmqp(url: string, read: ReadEvent): Promise<void> {
  const model = await connectTo(url);
  try {
    await confirmed(model, read.event.type, Buffer.from(textOfEvent(read)));
  } catch (error) {
    if (error instanceof Failure) throw error;
    const reason = driverReasonOf(error);
    throw new Failure('broker_unavailable', `RabbitMQ did not take the event: ${reason}`);
  } finally {
    await disconnect(model, ANSWER_MS);
  }
}

async function confirmed(model: ChannelModel, routingKey: string, body: Buffer): Promise<void> {
  const channel = await model.createConfirmChannel();
  let isReturned = false;
  channel.on('error', () => {});
  channel.on('return', () => {
    isReturned = true;
  });
  await channel.checkExchange(EVENTS_EXCHANGE);
  channel.publish(EVENTS_EXCHANGE, routingKey, body, {
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
