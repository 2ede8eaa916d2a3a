/** How many messages are ready in a queue. Asks over AMQP, because the counts of the management API come late. */
import { connect } from 'amqplib';

export async function queueDepth(amqpUrl: string, queue: string): Promise<number> {
  const model = await connect(amqpUrl);
  try {
    const channel = await model.createChannel();
    channel.on('error', () => {});
    return (await channel.checkQueue(queue)).messageCount;
  } finally {
    await model.close();
  }
}
