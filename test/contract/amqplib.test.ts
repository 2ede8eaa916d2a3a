/** What is relied on in the installed amqplib, public or not: fails when an upgrade moves it. */
import { readFileSync } from 'node:fs';
import { type ChannelModel, connect, type GetMessage, type Message } from 'amqplib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { headersFault, readContentHeader } from '../../src/adapters/rabbitmq/amqp-properties.ts';
import { frameMaxOf, readHeadersSafely } from '../../src/adapters/rabbitmq/amqplib-reader.ts';
import { nestedTables, propertiesOf, text } from '../support/amqp-bytes.ts';
import { amqplibProperties } from '../support/amqplib-codec.ts';
import fc from '../support/fast-check.ts';
import { RawProducer } from '../support/raw-amqp.ts';
import { freshVhost } from '../support/servers.ts';
import { until } from '../support/until.ts';

const QUEUE = 'contract';
const DEEP = propertiesOf({
  contentType: 'application/json',
  headers: [
    ['deep', nestedTables(4_000)],
    ['flat', text('x')],
  ],
});

let url: string;
let raw: RawProducer;
let model: ChannelModel;

beforeEach(async () => {
  url = await freshVhost();
  raw = new RawProducer(url);
  model = await connect(url);
  model.on('error', () => {});
  const channel = await model.createChannel();
  await channel.assertQueue(QUEUE);
});
afterEach(async () => {
  raw.close();
  await model.close().catch(() => {});
});

const publish = (properties: Uint8Array, body: Uint8Array = Buffer.alloc(0)) =>
  raw.publish({ exchange: '', routingKey: QUEUE, properties, body });

const number = (min: number, max: number) => fc.integer({ min, max });
const headers = fc.dictionary(
  fc.string({ maxLength: 40 }).filter((name) => name !== '__proto__'),
  fc.oneof(
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.maxSafeInteger(),
    number(-200, 70_000),
    fc.double({ noNaN: true, min: -1e9, max: 1e9 }),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc
      .jsonValue({ maxDepth: 3, noUnicodeString: true })
      // Integers that a double cannot hold are read as they were written, which amqplib does not do.
      .filter((value) => !/"(!|__proto__)"|e|\d{16}/.test(JSON.stringify(value))),
    number(0, 2 ** 40).map((value) => ({ '!': 'timestamp', value })),
    fc
      .record({ places: number(0, 255), digits: number(0, 2 ** 32 - 1) })
      .map((value) => ({ '!': 'decimal', value })),
  ),
);
const shortText = fc.string({ maxLength: 80 });
const properties = fc.record(
  {
    contentType: shortText,
    contentEncoding: shortText,
    headers,
    deliveryMode: fc.constantFrom(1, 2),
    priority: number(0, 255),
    correlationId: shortText,
    replyTo: shortText,
    expiration: shortText,
    messageId: shortText,
    timestamp: number(0, 2 ** 40),
    type: shortText,
    userId: shortText,
    appId: shortText,
  },
  { requiredKeys: [] },
);

test('the version is fixed', () => {
  const schema = z.object({ dependencies: z.object({ amqplib: z.string() }) });
  expect(schema.parse(JSON.parse(readFileSync('package.json', 'utf8'))).dependencies.amqplib).toMatch(/^\d/);
});

test('what amqplib writes is read as amqplib reads it', () => {
  fc.assert(
    fc.property(properties, fc.nat(), (given, bodyBytes) => {
      const written = amqplibProperties.encode(given, bodyBytes);
      const read = readContentHeader(written);
      expect(read.bodyBytes).toBe(bodyBytes);
      expect(read.properties).toEqual(amqplibProperties.decode(written));
      expect(headersFault(read.properties.headers)).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

test('by itself it loses its connection over one message', async () => {
  const channel = await model.createChannel();
  const lost = new Promise<string>((resolve) => model.on('error', ({ message }) => resolve(message)));
  await publish(DEEP);
  await channel.consume(QUEUE, () => {});
  expect(await lost).toContain('call stack');
});

test('consumed, fetched and returned: the same message comes, without what cannot be read', async () => {
  readHeadersSafely(model);
  const channel = await model.createConfirmChannel();
  const check = ({ properties, content }: Message, body: string) => {
    expect(properties).toMatchObject({ contentType: 'application/json', headers: { flat: 'x' } });
    expect(headersFault(properties.headers)).toMatchObject({ names: ['deep'] });
    expect(content.toString()).toBe(body);
  };
  await publish(DEEP, Buffer.from('fetched'));
  const fetched: GetMessage | false = await channel.get(QUEUE);
  if (fetched === false) throw new Error('nothing came');
  check(fetched, 'fetched');
  channel.ack(fetched);

  const consumed: Message[] = [];
  // Bodies of none, of one frame and of several.
  const bodies = ['', 'short', 'x'.repeat(400_000), 'last'];
  for (const body of bodies) await publish(DEEP, Buffer.from(body));
  await channel.consume(QUEUE, (message) => message !== null && consumed.push(message), { noAck: true });
  await until('all to come', 20_000, () => consumed.length === bodies.length);
  for (const [i, message] of consumed.entries()) check(message, bodies[i] ?? '');

  const returned = new Promise<Message>((resolve) => channel.on('return', resolve));
  channel.publish('', 'nowhere', Buffer.from('back'), { mandatory: true, headers: { a: [1, { b: 'c' }] } });
  expect((await returned).properties.headers).toEqual({ a: [1, { b: 'c' }] });
  await channel.waitForConfirms();
});

test('how large a frame may be is what RabbitMQ says', () => {
  expect(frameMaxOf(model)).toBe(131_072);
});

test('another amqplib is refused at once', () => {
  const other = { connection: { serverProperties: model.connection.serverProperties } };
  expect(() => readHeadersSafely(other)).toThrow('the installed amqplib');
});
