/** RabbitMQ as it really behaves: cancelled consumers, closed connections, clashing queues, and outages. */
import { connect } from 'amqplib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type CarillonProcess,
  isReady,
  JWT_SECRET,
  spawnCarillon,
  startCarillon,
  tokenFor,
} from '../../../support/carillon.ts';
import { connectClient } from '../../../support/client.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { type RabbitMqServer, startRabbitMq } from '../../../support/rabbitmq.ts';
import { type RedisServer, startRedis } from '../../../support/redis.ts';
import { until } from '../../../support/until.ts';

let rabbitMq: RabbitMqServer;
let redis: RedisServer;

beforeAll(async () => {
  [rabbitMq, redis] = await Promise.all([startRabbitMq(), startRedis()]);
});
afterAll(() => Promise.all([rabbitMq.stop(), redis.stop()]));

async function startOn(vhost: string): Promise<{ carillon: CarillonProcess; amqpUrl: string }> {
  const amqpUrl = await rabbitMq.vhost(vhost);
  const carillon = await startCarillon({ AMQP_URL: amqpUrl, REDIS_URL: redis.url, JWT_SECRET });
  return { carillon, amqpUrl };
}

/** An event published now reaches a device. */
async function expectDelivery(carillon: CarillonProcess, amqpUrl: string, id: string): Promise<void> {
  const producer = new Producer(amqpUrl);
  const ada = connectClient(carillon.url, await tokenFor('ada'));
  await ada.session();
  await producer.publish(madeEvent(id, { audience: 'user:ada' }));
  // One that was published before may come first.
  await until('the event', 20_000, () => ada.notifications.some((notification) => notification.id === id));
  ada.close();
  await producer.close();
}

async function readiness({ opsUrl }: CarillonProcess): Promise<unknown> {
  return (await fetch(`${opsUrl}/health/ready`)).json();
}

test('a consumer that RabbitMQ cancels, because its queue was deleted, consumes again', async () => {
  const { carillon, amqpUrl } = await startOn('cancelled');
  const model = await connect(amqpUrl);
  const channel = await model.createChannel();
  await channel.deleteQueue('carillon.deliver');
  await until('the consumer to notice', 20_000, () =>
    carillon.output.some((line) => line.includes('RabbitMQ cancelled the consumer')),
  );
  await until('the consumer to be back', 20_000, () => isReady(carillon));
  await expectDelivery(carillon, amqpUrl, 'after-cancel');
  await model.close();
  expect(await carillon.stop()).toBe(0);
});

test('connections that RabbitMQ closes come back', async () => {
  const { carillon, amqpUrl } = await startOn('closed');
  const connections = () => rabbitMq.management.connections('closed');
  await until('both connections to be listed', 20_000, async () => (await connections()).length === 2);
  for (const { name } of await connections()) await rabbitMq.management.closeConnection(name);
  await until('the loss to be noticed', 20_000, () =>
    ['carillon consumer', 'carillon publisher'].every((link) =>
      carillon.output.some((line) => line.includes(`"link":"${link}","state":"down"`)),
    ),
  );
  await until('readiness', 60_000, () => isReady(carillon));
  await expectDelivery(carillon, amqpUrl, 'after-close');
  expect(await carillon.stop()).toBe(0);
});

test.for<[string, string]>([
  ['größe', 'ü/@:%?#€'],
  ['with space', '+ %2F'],
])('a user %j whose password is %j may connect', async ([name, password]) => {
  const vhost = `of ${name}`;
  const amqpUrl = new URL(await rabbitMq.vhost(vhost));
  await rabbitMq.management.createUser(name, password, vhost);
  [amqpUrl.username, amqpUrl.password] = [encodeURIComponent(name), encodeURIComponent(password)];
  const carillon = await startCarillon({ AMQP_URL: amqpUrl.href, REDIS_URL: redis.url, JWT_SECRET });
  expect(await carillon.stop()).toBe(0);
});

test('a queue that was declared differently is a clear error, and the process ends with 1', async () => {
  const amqpUrl = await rabbitMq.vhost('clash');
  const model = await connect(amqpUrl);
  const channel = await model.createChannel();
  await channel.assertQueue('carillon.deliver', { durable: true });
  const carillon = await spawnCarillon({ AMQP_URL: amqpUrl, REDIS_URL: redis.url, JWT_SECRET });
  expect(await carillon.exited).toBe(1);
  const fatal = carillon.output.find((line) => line.includes('"level":"fatal"'));
  expect(JSON.parse(fatal ?? '{}')).toMatchObject({
    code: 'topology_clash',
    reason: expect.stringMatching(/inequivalent arg .* for queue 'carillon\.deliver'.* Delete it/),
  });
  await model.close();
});

test('while RabbitMQ is away: 503 with Retry-After, not ready, alive; and then all is well', {
  timeout: 180_000,
}, async () => {
  const carillon = await startCarillon({ AMQP_URL: rabbitMq.url(), REDIS_URL: redis.url, JWT_SECRET });
  const token = await tokenFor('a-service', { scope: 'events:write' });
  const publish = (id: string) =>
    fetch(`${carillon.url}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify(madeEvent(id, { audience: 'user:ada' })),
    });
  expect((await publish('before')).status).toBe(202);
  // RabbitMQ 3.10 elects no leader for a queue when it is killed within the first moments of that queue's life.
  await until(
    'connections to be listed',
    20_000,
    async () => (await rabbitMq.management.connections('/')).length === 2,
  );
  await rabbitMq.kill();
  await until('the loss to be noticed', 20_000, async () => !(await isReady(carillon)));
  const refused = await publish('during');
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(refused.headers.get('content-type')).toContain('application/problem+json');
  expect(await refused.json()).toMatchObject({ code: 'broker_unavailable', status: 503 });
  // Each of its links is lost, and tried again, at a moment of its own.
  await expect
    .poll(() => readiness(carillon))
    .toMatchObject({
      status: 'not_ready',
      parts: { rabbitmq: { ok: false, reason: 'down' }, consumer: { ok: false }, redis: { ok: true } },
    });
  expect((await fetch(`${carillon.opsUrl}/health/live`)).status).toBe(200);
  expect((await fetch(`${carillon.opsUrl}/health/startup`)).status).toBe(200);
  await rabbitMq.restart();
  await until('readiness', 60_000, () => isReady(carillon));
  expect((await publish('after')).status).toBe(202);
  await expectDelivery(carillon, rabbitMq.url(), 'delivered-after');
  expect(await carillon.stop()).toBe(0);
});

test('started before RabbitMQ is there, it says what it waits for, and begins when it comes', {
  timeout: 180_000,
}, async () => {
  await rabbitMq.kill();
  const carillon = await spawnCarillon({ AMQP_URL: rabbitMq.url(), REDIS_URL: redis.url, JWT_SECRET });
  await until('the operators port', 20_000, async () => {
    const response = await fetch(`${carillon.opsUrl}/health/startup`).catch(() => undefined);
    return response?.status === 503;
  });
  expect(await readiness(carillon)).toMatchObject({ status: 'starting', parts: { rabbitmq: { ok: false } } });
  await rabbitMq.restart();
  await until('readiness', 60_000, () => isReady(carillon));
  await expectDelivery(carillon, rabbitMq.url(), 'late');
  expect(await carillon.stop()).toBe(0);
});
