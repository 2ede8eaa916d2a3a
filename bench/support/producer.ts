/** A producer that sends CloudEvents to RabbitMQ, persistent and confirmed. */
import { connect } from 'amqplib';
import { type Driver, Pending } from './driver.ts';
import type { MadeEvent } from './payload.ts';

/** Carillon declares this exchange. The peers bind to it, too. */
export const EXCHANGE = 'carillon.events';

/** `keyOf`: the key that spreads events over partitions. Without it, events have no key. */
export async function openProducer(amqpUrl: string, keyOf?: (event: MadeEvent) => string): Promise<Driver> {
  const connection = await connect(amqpUrl, { noDelay: true });
  const channel = await connection.createConfirmChannel();
  const pending = new Pending();
  const send = (events: readonly MadeEvent[]) => {
    for (const event of events) {
      const body = Buffer.from(JSON.stringify(event));
      const options = {
        persistent: true,
        contentType: 'application/cloudevents+json',
        ...(keyOf === undefined ? {} : { headers: { 'carillon-key': keyOf(event) } }),
      };
      pending.add(
        new Promise<void>((resolve, reject) => {
          channel.publish(EXCHANGE, event.type, body, options, (error) =>
            error ? reject(error) : resolve(),
          );
        }),
      );
    }
  };
  return {
    send,
    settled: () => pending.settled(),
    publish: async (events) => {
      send(events);
      await pending.settled();
    },
    close: () => connection.close(),
  };
}
