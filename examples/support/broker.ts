/** The way of services in a company: RabbitMQ, with confirmed publishing and a queue of one's own for signals. */
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import { z } from 'zod';
import type { Link, Signal } from './link.ts';

const signalSchema = z.object({
  id: z.string(),
  type: z.string(),
  subject: z.string(),
  data: z.record(z.string(), z.unknown()),
});

export function readSignal(text: string): Signal {
  return signalSchema.parse(JSON.parse(text));
}

/** The exchanges MUST be there: Carillon declares them when it starts. */
export async function connectBroker(url: string, name: string): Promise<Link> {
  let publishing: ConfirmChannel | undefined;
  const link = await keepUp(url, name, async (model) => {
    publishing = await model.createConfirmChannel();
    publishing.on('error', report);
  });
  const listening: { close(): Promise<void> }[] = [];
  return {
    publish: (event) =>
      new Promise((resolve, reject) => {
        if (publishing === undefined) throw new Error('not connected to RabbitMQ');
        const body = Buffer.from(JSON.stringify(event));
        const properties = { contentType: 'application/cloudevents+json', persistent: true };
        publishing.publish('carillon.events', event.type, body, properties, (error: unknown) =>
          error ? reject(new Error('RabbitMQ did not confirm the event', { cause: error })) : resolve(),
        );
      }),
    async signals(onSignal) {
      listening.push(
        await keepUp(url, `${name} signals`, async (model) => {
          const channel = await model.createChannel();
          channel.on('error', report);
          // It goes with the connection: what is told while nobody listens is of no use later.
          const { queue } = await channel.assertQueue('', { exclusive: true });
          await channel.bindQueue(queue, 'carillon.signals', 'carillon.#');
          await channel.consume(
            queue,
            (message) => message && onSignal(readSignal(message.content.toString())),
            {
              noAck: true,
            },
          );
        }),
      );
    },
    async close() {
      await Promise.all([link, ...listening].map((connection) => connection.close()));
    },
  };
}

/** A connection that comes back after an outage, with what `setup` makes on it. */
async function keepUp(url: string, name: string, setup: (model: ChannelModel) => Promise<void>) {
  const connection = await connect(url, {
    noDelay: true,
    clientProperties: { connection_name: name },
    recovery: {
      setup: async (model: ChannelModel) => {
        model.on('error', report);
        await setup(model);
      },
    },
  });
  connection.on('error', report);
  connection.on('disconnect', report);
  return connection;
}

function report(error: Error): void {
  console.error(`RabbitMQ: ${error.message}`);
}
