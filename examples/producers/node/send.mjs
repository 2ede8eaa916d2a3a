/**
 * A producer in Node: each line of standard input becomes an event, and is in RabbitMQ for good or sent until it is.
 *
 *   echo 'Your order is on its way' | node send.mjs user:42
 */
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'amqplib';

const [audience] = process.argv.slice(2);
const complain = (error) => console.error(`RabbitMQ: ${error.message}`);
/** Ids of events that no queue took. RabbitMQ confirms those too, right after it has returned them. */
const returned = new Set();
let channel;

// It comes back by itself after an outage, with a new channel.
const connection = await connect(process.env.AMQP_URL ?? 'amqp://localhost', {
  noDelay: true,
  clientProperties: { connection_name: 'example producer' },
  recovery: {
    async setup(model) {
      model.on('error', complain);
      channel = await model.createConfirmChannel();
      channel.on('error', complain);
      channel.on('return', ({ properties }) => returned.add(properties.messageId));
      // Also when RabbitMQ has closed nothing but the channel: then with a new connection.
      channel.on('close', () => model.close().catch(() => {}));
    },
  },
});
connection.on('error', complain);

/** Resolves once RabbitMQ has confirmed the event. The same one again is delivered once, so that sending it again is right. */
async function publish(event) {
  for (;;) {
    try {
      return await attempt(event);
    } catch (error) {
      complain(error);
      await pause(1_000);
    }
  }
}

function attempt(event) {
  return new Promise((resolve, reject) => {
    const properties = {
      contentType: 'application/cloudevents+json',
      messageId: event.id,
      persistent: true,
      mandatory: true,
    };
    const body = Buffer.from(JSON.stringify(event));
    channel.publish('carillon.events', event.type, body, properties, (error) => {
      if (error) reject(new Error('not confirmed', { cause: error }));
      else if (returned.delete(event.id)) reject(new Error('no queue takes it: has Carillon ever run here?'));
      else resolve(undefined);
    });
  });
}

for await (const title of createInterface({ input: process.stdin })) {
  const id = randomUUID();
  const time = new Date().toISOString();
  await publish({
    specversion: '1.0',
    id,
    source: '/examples/node',
    type: 'example.sent',
    time,
    audience,
    data: { title },
  });
  console.log(`confirmed ${id}`);
}
await connection.close();
