/** Poison: each form of it becomes a dead letter with its reason, and the events around it are delivered. */
import { connect, type GetMessage } from 'amqplib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { connectClient } from '../../../support/client.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { queueDepth } from '../../../support/queue-depth.ts';
import { type RedisServer, startRedis } from '../../../support/redis.ts';
import { freshVhost } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

let amqpUrl: string;
let redis: RedisServer;
let carillon: CarillonProcess;
let producer: Producer;

beforeAll(async () => {
  [amqpUrl, redis] = await Promise.all([freshVhost(), startRedis()]);
  carillon = await startCarillon({
    AMQP_URL: amqpUrl,
    REDIS_URL: redis.url,
    JWT_SECRET,
    EVENT_MAX_BYTES: '65536',
  });
  producer = new Producer(amqpUrl);
});
afterAll(async () => {
  await producer.close();
  await carillon.stop();
  await redis.stop();
});

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const structured = { contentType: 'application/cloudevents+json' };

const poison: readonly { what: string; body: Buffer; options?: object; reason: string; path?: string }[] = [
  { what: 'not JSON', body: Buffer.from('{"specversion":'), options: structured, reason: 'not_json' },
  { what: 'not UTF-8', body: Buffer.from([0x22, 0xff, 0xfe, 0x22]), options: structured, reason: 'not_json' },
  { what: 'empty', body: Buffer.alloc(0), options: structured, reason: 'not_json' },
  { what: 'no id', body: json({ ...madeEvent('x'), id: undefined }), reason: 'invalid_event', path: 'id' },
  {
    what: 'wrong specversion',
    body: json(madeEvent('x', { specversion: '0.3' })),
    reason: 'invalid_event',
    path: 'specversion',
  },
  {
    what: 'data is a list',
    body: json(madeEvent('x', { data: [1] })),
    reason: 'invalid_event',
    path: 'data',
  },
  {
    what: 'too large',
    body: json(madeEvent('x', { data: { pad: 'x'.repeat(70_000) } })),
    reason: 'too_large',
  },
  { what: '16 MB', body: Buffer.alloc(16_000_000, 0x20), options: structured, reason: 'too_large' },
  {
    what: 'nested 10,000 deep',
    body: Buffer.from(`${'['.repeat(10_000)}${']'.repeat(10_000)}`),
    reason: 'invalid_event',
  },
  { what: 'no audience, no route', body: json(madeEvent('x')), reason: 'no_audience', path: 'audience' },
  {
    what: 'a bad audience id',
    body: json(madeEvent('x', { audience: ['user:1', 'user:a}b'] })),
    reason: 'invalid_audience',
    path: 'audience[1]',
  },
  {
    what: 'expired',
    body: json(madeEvent('x', { audience: 'global', expirytime: '2020-01-01T00:00:00Z' })),
    reason: 'expired',
    path: 'expirytime',
  },
  {
    what: 'an image',
    body: Buffer.from('GIF89a'),
    options: { contentType: 'image/gif' },
    reason: 'unsupported_media_type',
  },
  {
    what: 'binary mode without source',
    body: json({}),
    options: {
      headers: { 'cloudEvents:specversion': '1.0', 'cloudEvents:id': '1', 'cloudEvents:type': 't' },
    },
    reason: 'invalid_event',
    path: 'source',
  },
  {
    what: 'headers that fill a frame',
    body: Buffer.from('?'),
    options: { headers: { pad: 'x'.repeat(65_000) } },
    reason: 'not_json',
  },
  {
    what: 'headers that can be read and not written',
    body: Buffer.from('?'),
    options: { headers: { x: { '!': 'object', value: { '!': 'x' } } } },
    reason: 'not_json',
  },
];

test('every form of it, among good events', async () => {
  const ada = connectClient(carillon.url, await tokenFor('ada'));
  await ada.session();
  for (const [i, { body, options }] of poison.entries()) {
    await producer.publishRaw(body, options, `poison.${i}`);
    await producer.publish(madeEvent(`good-${i}`, { audience: 'user:ada' }));
  }
  const received = await ada.received(poison.length);
  expect(received.map(({ id }) => id)).toEqual(poison.map((_, i) => `good-${i}`));
  ada.close();

  // Good events do not wait for bad ones to be made a dead letter.
  await until(
    'every dead letter',
    60_000,
    async () => (await queueDepth(amqpUrl, 'carillon.dead')) === poison.length,
  );
  const deadLetters = await takeDeadLetters(poison.length);
  expect(deadLetters).toHaveLength(poison.length);
  for (const [i, { what, body, reason, path }] of poison.entries()) {
    const deadLetter = deadLetters.find(({ fields }) => fields.routingKey === `poison.${i}`);
    const headers = deadLetter?.properties.headers ?? {};
    expect(headers['x-carillon-reason'], what).toBe(reason);
    expect(headers['x-carillon-path'], what).toBe(path ?? '');
    expect(headers['x-carillon-detail'], what).not.toBe('');
    expect(Date.parse(headers['x-carillon-time'])).not.toBeNaN();
    expect(deadLetter?.content.equals(body), what).toBe(true);
    expect(deadLetter?.properties.deliveryMode, what).toBe(2);
  }
});

async function takeDeadLetters(count: number): Promise<GetMessage[]> {
  const model = await connect(amqpUrl);
  const channel = await model.createChannel();
  const deadLetters: GetMessage[] = [];
  while (deadLetters.length < count) {
    const deadLetter = await channel.get('carillon.dead', { noAck: true });
    if (deadLetter === false) break;
    deadLetters.push(deadLetter);
  }
  // Canaries pass through it as well.
  await expect
    .poll(async () => await channel.checkQueue('carillon.deliver'))
    .toMatchObject({ messageCount: 0 });
  await model.close();
  return deadLetters;
}
