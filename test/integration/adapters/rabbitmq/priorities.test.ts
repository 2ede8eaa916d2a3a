/** Priorities that producers set: RabbitMQ 3 ignores them, RabbitMQ 4 goes by them. Nothing is lost either way. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { connectClient } from '../../../support/client.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { freshRedis, freshVhost, sharedManagement } from '../../../support/servers.ts';

const COUNT = 40;

test('waiting events come in the order in which they were queued, as far as RabbitMQ keeps it', {
  timeout: 120_000,
}, async () => {
  const AMQP_URL = await freshVhost();
  const environment = { AMQP_URL, REDIS_URL: await freshRedis(), JWT_SECRET };
  const gateway = await startCarillon({ ...environment, ROLES: 'gateway', CANARY_SECONDS: '0' });
  const ada = connectClient(gateway.url, await tokenFor('ada'));
  await ada.session();
  const producer = new Producer(AMQP_URL);
  const priorityOf = (i: number) => [undefined, 9, 0, 4, 5][i % 5];
  const all = Array.from({ length: COUNT }, (_, i) => i);
  for (const i of all) {
    const event = madeEvent(String(i), { audience: 'user:ada' });
    const priority = priorityOf(i);
    await producer.publishRaw(
      Buffer.from(JSON.stringify(event)),
      { contentType: 'application/cloudevents+json', ...(priority === undefined ? {} : { priority }) },
      event.type,
    );
  }
  const consumer = await startCarillon({ ...environment, ROLES: 'consumer' });
  await ada.received(COUNT);
  const got = ada.notifications.map(({ id }) => Number(id));
  const { rabbitmq_version: version } = z
    .object({ rabbitmq_version: z.string() })
    .parse(await sharedManagement().get('overview'));
  if (version.startsWith('3.')) expect(got).toEqual(all);
  // Of equal ones the order stays, in every version.
  for (const priority of new Set(all.map(priorityOf)))
    expect(got.filter((i) => priorityOf(i) === priority)).toEqual(
      all.filter((i) => priorityOf(i) === priority),
    );
  ada.close();
  await producer.close();
  await Promise.all([gateway.stop(), consumer.stop()]);
});
