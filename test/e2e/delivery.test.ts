/**
 * The main job with separate processes, as in production: one consumer and two gateways, real RabbitMQ and Redis,
 * clients on both gateways. Each audience reaches exactly those that it should.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Audience } from '../../src/contract/audience.ts';
import type { Notification } from '../../src/contract/notification.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../support/carillon.ts';
import { type ClientOptions, connectClient, type TestClient } from '../support/client.ts';
import { madeEvent, Producer } from '../support/producer.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { freshVhost } from '../support/servers.ts';
import { temporaryFile } from '../support/temporary-file.ts';
import { until } from '../support/until.ts';

const ROUTES = `
routes:
  - type: order.*
    audience: ["user:{data.customerId}"]
  - type: rota.published
    audience: ["department:{data.department}", "user:{data.memberIds}"]
`;

let redis: RedisServer;
let producer: Producer;
let consumer: CarillonProcess;
let gateways: readonly CarillonProcess[];
let clients: TestClient[] = [];

beforeAll(async () => {
  redis = await startRedis();
  const amqpUrl = await freshVhost();
  const common = { AMQP_URL: amqpUrl, REDIS_URL: redis.url, JWT_SECRET, LOG_SAMPLE_RATE: '1' };
  const routesFile = temporaryFile('routes.yaml', ROUTES);
  const started = await Promise.all([
    startCarillon({ ...common, ROLES: 'consumer', ROUTES_FILE: routesFile }),
    startCarillon({ ...common, ROLES: 'gateway' }),
    startCarillon({ ...common, ROLES: 'gateway' }),
  ]);
  consumer = started[0];
  gateways = started.slice(1);
  producer = new Producer(amqpUrl);
});

afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});

afterAll(async () => {
  await producer.close();
  await Promise.all([consumer, ...gateways].map((process) => process.stop()));
  await redis.stop();
});

/** A device that is connected to one of the gateways and has its session. */
async function device(
  gateway: 0 | 1,
  user: string,
  claims: Record<string, unknown> = {},
  options?: ClientOptions,
) {
  const client = connectClient(gateways[gateway]?.url ?? '', await tokenFor(user, claims), options);
  clients.push(client);
  await client.session();
  return client;
}

const ALL: readonly Audience[] = [
  ...['ada', 'bob', 'eve'].map((user) => `user:${user}` as const),
  ...['sales', 'support', 'care'].map((department) => `department:${department}` as const),
  'global',
];

/**
 * Ends a test: one last event goes to every audience. Within an audience it has everything else before it, so a device
 * that has it from each of its audiences has all that it will get. Order between audiences is not promised.
 */
async function idsUpToLast(all: readonly TestClient[]): Promise<string[][]> {
  const last = `last-${crypto.randomUUID()}`;
  await producer.publish(madeEvent(last, { audience: ALL }));
  return await Promise.all(
    all.map(async (client) => {
      const audiences = Object.keys((await client.session()).audiences).length;
      const isLast = ({ id }: Notification) => id === last;
      await until('the last event', 40_000, () => client.notifications.filter(isLast).length === audiences);
      return client.notifications.filter((one) => !isLast(one)).map(({ id }) => id);
    }),
  );
}

describe('each audience reaches exactly those that it should', () => {
  test.for([
    { audience: 'user:ada', reached: ['ada on 0', 'ada on 1'] },
    { audience: 'department:sales', reached: ['ada on 0', 'ada on 1', 'bob on 1'] },
    { audience: 'department:support', reached: ['eve on 0'] },
    { audience: 'user:bob, department:support', reached: ['bob on 1', 'eve on 0'] },
    { audience: ['user:ada', 'department:sales'], reached: ['ada on 0', 'ada on 1', 'bob on 1'] },
    { audience: 'user:nobody', reached: [] },
    { audience: 'global', reached: ['ada on 0', 'ada on 1', 'bob on 1', 'eve on 0'] },
  ])('$audience', async ({ audience, reached }) => {
    const devices = {
      'ada on 0': await device(0, 'ada', { departments: ['sales'] }),
      'ada on 1': await device(1, 'ada', { departments: ['sales'] }, { transports: ['polling'] }),
      'bob on 1': await device(1, 'bob', { departments: ['sales'] }),
      'eve on 0': await device(0, 'eve', { departments: ['support'] }),
    };
    const id = crypto.randomUUID();
    await producer.publish(madeEvent(id, { audience }));
    const seen = await idsUpToLast(Object.values(devices));
    const rung = Object.keys(devices).filter((_, i) => seen[i]?.includes(id));
    expect(rung).toEqual(reached);
  });

  test('a topic reaches those who subscribed, on every gateway, until they unsubscribe', async () => {
    const [ada, bob, eve] = await Promise.all([
      device(0, 'ada', { topics: ['ticker.*'] }),
      device(1, 'bob', { topics: ['ticker.btc-usd'] }),
      device(1, 'eve', { topics: ['ticker.*'] }),
    ]);
    for (const client of [ada, bob]) {
      const answer = await client.ask('subscribe', { topic: 'ticker.btc-usd' });
      expect(answer).toMatchObject({ audience: 'topic:ticker.btc-usd' });
    }
    await producer.publish(madeEvent('tick-1', { audience: 'topic:ticker.btc-usd' }));
    expect((await ada.received(1))[0]).toMatchObject({ id: 'tick-1', audience: 'topic:ticker.btc-usd' });
    await ada.ask('unsubscribe', { topic: 'ticker.btc-usd' });
    await producer.publish(madeEvent('tick-2', { audience: 'topic:ticker.btc-usd' }));
    await bob.received(2);
    expect(await idsUpToLast([ada, bob, eve])).toEqual([['tick-1'], ['tick-1', 'tick-2'], []]);
  });

  test('routes map an event that names no audience', async () => {
    const [ada, bob, eve] = await Promise.all([
      device(0, 'ada'),
      device(1, 'bob', { departments: ['care'] }),
      device(1, 'eve'),
    ]);
    await producer.publish(
      madeEvent('order', { type: 'order.shipped', data: { customerId: 'ada' } }),
      madeEvent('rota', { type: 'rota.published', data: { department: 'care', memberIds: ['eve', 'ada'] } }),
    );
    expect(await idsUpToLast([ada, bob, eve])).toEqual([['order', 'rota'], ['rota'], ['rota']]);
  });
});

describe('an event arrives however it is published', () => {
  const attributes = {
    audience: 'user:ada',
    type: 'order.shipped',
    time: '2026-11-20T09:00:00Z',
    severity: 'warning',
    data: { title: 'Ünïcode ✓', nested: { list: [1, 2, 3] } },
  };
  const notification = { ...attributes, source: '/test' };

  test('over AMQP, structured and binary', async () => {
    const ada = await device(0, 'ada');
    await producer.publish(madeEvent('structured', attributes));
    await producer.publishBinary(madeEvent('binary', attributes));
    const [structured, binary] = await ada.received(2);
    expect(structured).toMatchObject({ ...notification, id: 'structured' });
    expect(binary).toMatchObject({ ...notification, id: 'binary' });
    expect(binary?.offset).toBe((structured?.offset ?? 0) + 1);
    expect(binary?.epoch).toBe(structured?.epoch);
  });

  test('over HTTP: structured, binary and a batch', async () => {
    const ada = await device(0, 'ada');
    const token = await tokenFor('a-service', { scope: 'events:write' });
    const post = (contentType: string, body: unknown, headers: Record<string, string> = {}) =>
      fetch(`${gateways[1]?.url}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': contentType, ...headers },
        body: JSON.stringify(body),
      });
    const single = await post('application/cloudevents+json', madeEvent('http-1', attributes));
    expect([single.status, await single.json()]).toEqual([202, { accepted: 1 }]);
    const binary = await post('application/json', attributes.data, {
      'ce-specversion': '1.0',
      'ce-id': 'http-2',
      'ce-source': '/test',
      'ce-type': 'order.shipped',
      'ce-audience': 'user:ada',
    });
    expect(binary.status).toBe(202);
    const batch = await post('application/cloudevents-batch+json', [
      madeEvent('http-3', attributes),
      madeEvent('http-4', attributes),
    ]);
    expect([batch.status, await batch.json()]).toEqual([202, { accepted: 2 }]);
    expect((await ada.received(4)).map(({ id }) => id)).toEqual(['http-1', 'http-2', 'http-3', 'http-4']);
  });

  test('a repeat is delivered once', async () => {
    const ada = await device(0, 'ada');
    const event = madeEvent('again', { audience: 'user:ada' });
    await producer.publish(event, event);
    await producer.publish(event);
    expect(await idsUpToLast([ada])).toEqual([['again']]);
  });

  test('one sampled event is logged by every process that it passes', async () => {
    const ada = await device(1, 'ada');
    await producer.publish(
      madeEvent('sampled', { audience: 'user:ada', data: { title: 'x', email: 'a@b.example' } }),
    );
    await ada.received(1);
    const lineIn = (process: CarillonProcess | undefined) =>
      process?.output.find((line) => line.includes('"id":"sampled"'));
    // What a process logs comes through a pipe, and may be later than what it sends.
    await expect.poll(() => lineIn(consumer)).toContain('"email":"[redacted]"');
    await expect.poll(() => lineIn(gateways[1])).toContain('"msg":"delivered"');
    expect([consumer, ...gateways].flatMap(({ output }) => output).join()).not.toContain('a@b.example');
  });
});
