/** An event straight to RabbitMQ, as a producer sends it: persistent, confirmed, and only done when a queue took it. */
import { type ChannelModel, connect } from 'amqplib';
import { credentialsIn } from '../adapters/rabbitmq/link.ts';
import { EVENTS_EXCHANGE } from '../adapters/rabbitmq/topology.ts';
import { type ReadEvent, STRUCTURED_TYPE, textOfEvent } from '../contract/cloudevent.ts';
import { withoutPassword } from '../observe/log.ts';
import { reasonOf } from '../resilience/reason.ts';
import { within } from '../resilience/timeout.ts';
import { Failure } from './failure.ts';

const ANSWER_MS = 10_000;

export async function connectTo(url: string): Promise<ChannelModel> {
  try {
    const model = await connect(url, { timeout: ANSWER_MS, noDelay: true, ...credentialsIn(url) });
    model.on('error', () => {});
    return model;
  } catch (error) {
    const reason = error instanceof Error ? error.message || error.name : String(error);
    throw new Failure('broker_unavailable', `RabbitMQ at ${shown(url)} cannot be reached: ${reason}`);
  }
}

function shown(url: string): string {
  return URL.canParse(url) ? withoutPassword(url) : 'that address';
}

export async function sendOverAmqp(url: string, read: ReadEvent): Promise<void> {
  const model = await connectTo(url);
  try {
    await confirmed(model, read.event.type, Buffer.from(textOfEvent(read)));
  } catch (error) {
    if (error instanceof Failure) throw error;
    const reason = reasonOf(error);
    throw new Failure('broker_unavailable', `RabbitMQ did not take the event: ${reason}`);
  } finally {
    // What it answers to that changes nothing any more.
    await within(ANSWER_MS, model.close(), () => {}).catch(() => {});
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
  // RabbitMQ that is short of memory or disk reads nothing from whoever publishes.
  await within(ANSWER_MS, channel.waitForConfirms(), () => {
    throw new Error(`no answer within ${ANSWER_MS} ms`);
  });
  if (isReturned) throw new Failure('broker_unavailable', `no queue is bound to exchange ${EVENTS_EXCHANGE}`);
}
