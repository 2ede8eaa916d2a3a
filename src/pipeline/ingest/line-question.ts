/** The question who is first in the line at a queue: only the active consumer of a queue gets what comes into it. */
import { DIRECT_EXCHANGE } from '../../adapters/rabbitmq/names.ts';
import type { Publisher } from '../../adapters/rabbitmq/publisher.ts';
import { STRUCTURED_TYPE } from '../../contract/cloudevent.ts';
import { CANARY_TYPE } from '../../contract/event.ts';

/** A canary that is out of date, which every version drops. */
const QUESTION = Buffer.from(
  JSON.stringify({
    specversion: '1.0',
    id: 'line',
    source: '/carillon',
    type: CANARY_TYPE,
    expirytime: '2000-01-01T00:00:00Z',
    audience: 'topic:carillon.canary.line',
  }),
);

/** Rejects when RabbitMQ does not take it, or the queue is gone. */
export async function askWhoIsFirst(publisher: Pick<Publisher, 'publish'>, queue: string): Promise<void> {
  await publisher.publish(DIRECT_EXCHANGE, queue, QUESTION, { contentType: STRUCTURED_TYPE });
}
