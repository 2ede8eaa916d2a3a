/** How deep `data` may be nested, in whatever way an event comes: 64 levels, and not one more. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { connectClient, type TestClient } from '../../../support/client.ts';
import { takeDeadLetters } from '../../../support/dead-letters.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { queueDepth } from '../../../support/queue-depth.ts';
import { freshRedis, freshVhost } from '../../../support/servers.ts';

const [MOST, TOO_MANY] = [64, 65];

let amqpUrl: string;
let carillon: CarillonProcess;
let producer: Producer;
let client: TestClient;
let token: string;

/** Of objects and of arrays, in turn. */
function nested(levels: number): Record<string, unknown> {
  let inner: unknown = {};
  for (let i = levels - 1; i > 1; i -= 1) inner = i % 2 === 0 ? [inner] : { in: inner };
  return { in: inner };
}

/** The data of the event that the client was told. */
async function told(id: string): Promise<unknown> {
  await expect.poll(() => client.notifications.map((one) => one.id)).toContain(id);
  return client.notifications.find((one) => one.id === id)?.data;
}

async function post(type: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${carillon.url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': type, ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, answer: await response.json() };
}

const event = (id: string, levels: number) => madeEvent(id, { audience: 'user:ada', data: nested(levels) });

beforeAll(async () => {
  amqpUrl = await freshVhost();
  carillon = await startCarillon({ AMQP_URL: amqpUrl, REDIS_URL: await freshRedis(), JWT_SECRET });
  producer = new Producer(amqpUrl);
  token = await tokenFor('a-service', { scope: 'events:write' });
  client = connectClient(carillon.url, await tokenFor('ada', { topics: ['deep'], publish: ['deep'] }));
  await client.session();
  await client.ask('subscribe', { topic: 'deep' });
});
afterAll(async () => {
  client.close();
  await producer.close();
  await carillon.stop();
});

describe('over AMQP', () => {
  test.for(['structured', 'binary'])('%s', async (mode) => {
    const publish = (id: string, levels: number) =>
      mode === 'binary' ? producer.publishBinary(event(id, levels)) : producer.publish(event(id, levels));
    await publish(`amqp ${mode} deep`, MOST);
    expect(await told(`amqp ${mode} deep`)).toEqual(nested(MOST));
    await publish(`amqp ${mode} deeper`, TOO_MANY);
    await expect.poll(() => queueDepth(amqpUrl, 'carillon.dead')).toBe(1);
    const [deadLetter] = await takeDeadLetters(amqpUrl);
    expect(deadLetter?.properties.headers).toMatchObject({ 'x-carillon-reason': 'invalid_event' });
  });
});

describe('over HTTP', () => {
  const REFUSED = { status: 422, answer: expect.objectContaining({ code: 'invalid_event' }) };

  test('structured', async () => {
    const type = 'application/cloudevents+json';
    expect(await post(type, event('http deep', MOST))).toMatchObject({ status: 202 });
    expect(await told('http deep')).toEqual(nested(MOST));
    expect(await post(type, event('http deeper', TOO_MANY))).toMatchObject(REFUSED);
  });

  test('a batch', async () => {
    const type = 'application/cloudevents-batch+json';
    expect(await post(type, [event('batch deep', MOST), event('batch flat', 1)])).toMatchObject({
      status: 202,
    });
    expect(await told('batch deep')).toEqual(nested(MOST));
    expect(await post(type, [event('batch deeper', TOO_MANY)])).toMatchObject(REFUSED);
  });

  test('binary', async () => {
    const headers = (id: string) => ({
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-source': '/test',
      'ce-type': 'test.made',
      'ce-audience': 'user:ada',
    });
    expect(await post('application/json', nested(MOST), headers('binary-deep'))).toMatchObject({
      status: 202,
    });
    expect(await told('binary-deep')).toEqual(nested(MOST));
    expect(await post('application/json', nested(TOO_MANY), headers('binary-deeper'))).toMatchObject(REFUSED);
  });
});

test('over Socket.IO', async () => {
  const publish = (id: string, levels: number) =>
    client.ask('publish', { topic: 'deep', type: 'test.made', id, data: nested(levels) });
  expect(await publish('socket deep', MOST)).toEqual({ id: 'socket deep' });
  expect(await told('socket deep')).toEqual(nested(MOST));
  expect(await publish('socket deeper', TOO_MANY)).toMatchObject({ error: { code: 'bad_request' } });
});
