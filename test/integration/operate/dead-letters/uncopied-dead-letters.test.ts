/** Dead letters that cannot be copied, or not whole: nothing is lost, nothing is tried for ever, and no link is closed by them. */
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { noProperties } from '../../../../src/adapters/rabbitmq/amqp-properties.ts';
import { ONE_QUEUE } from '../../../../src/adapters/rabbitmq/names.ts';
import { Publisher, RefusedByBroker } from '../../../../src/adapters/rabbitmq/publisher.ts';
import { amqpAddressOf } from '../../../../src/config/amqp-address.ts';
import { deadLetter } from '../../../../src/operate/dead-letters/dead-letter-writer.ts';
import { EventObservers } from '../../../../src/pipeline/event-observer.ts';
import { Consumer, type ConsumerOptions } from '../../../../src/pipeline/ingest/rabbitmq-consumer.ts';
import { ACK } from '../../../../src/pipeline/ingest/settlement.ts';
import { MessageReader } from '../../../../src/pipeline/sources/message-reader.ts';
import { takeDeadLetters } from '../../../support/dead-letters.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { queueDepth } from '../../../support/queue-depth.ts';
import { freshVhost } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

let url: string;
let log: string[];
let publisher: Publisher;
let consumer: Consumer | undefined;
let producer: Producer;

const logger = () => pino({}, { write: (line) => log.push(line) });
const onClash = (clash: Error) => expect.fail(clash.message);

beforeEach(async () => {
  log = [];
  url = await freshVhost();
  publisher = new Publisher(logger(), onClash);
  // The least that AMQP allows.
  await publisher.open(amqpAddressOf(`${url}?frameMax=4096`));
  await until('the link', 20_000, () => publisher.state === 'up');
  producer = new Producer(url);
});
afterEach(async () => {
  await producer.close();
  await consumer?.close();
  await publisher.close();
});

/** What settles is told in `settled`. */
async function consume(by: ConsumerOptions['publisher'], settled: string[]): Promise<void> {
  consumer = new Consumer({
    partitioning: ONE_QUEUE,
    now: Date.now,
    prefetch: 100,
    reader: new MessageReader(undefined, { maxBytes: 65_536, maxAudiences: 100 }),
    sources: undefined,
    handle: async ({ id }) => {
      settled.push(id);
      return ACK;
    },
    publisher: by,
    isStoreUp: () => true,
    log: logger(),
    onClash,
    observers: new EventObservers([{ settled: (_life, { kind }) => void settled.push(kind) }], () => {}),
  });
  await consumer.open(amqpAddressOf(url));
}

test.each([
  ['amqplib cannot write', new TypeError('made up'), 1],
  ['RabbitMQ closes the channel over', new RefusedByBroker('made up'), 3],
])('what %s goes to the dead letters by RabbitMQ itself, alone and as it came', async (_, error, times) => {
  const settled: string[] = [];
  let tried = 0;
  const publish = async () => {
    tried += 1;
    throw error;
  };
  await consume({ publish, maxHeaderBytes: 10_000, state: 'up' }, settled);
  await producer.publish(madeEvent('before'));
  await producer.publishRaw(Buffer.from('?'), { headers: { own: 'header' } }, 'poison');
  await producer.publish(madeEvent('behind'));
  await until('it to be a dead letter', 20_000, async () => (await queueDepth(url, 'carillon.dead')) === 1);
  await until('all to be settled', 20_000, () => settled.length === 5);
  expect(settled.toSorted()).toEqual(['ack', 'ack', 'before', 'behind', 'dead-letter']);
  expect(tried).toBe(times);
  expect(log.filter((line) => line.includes('left to RabbitMQ'))).toHaveLength(1);
  const [deadLetter] = await takeDeadLetters(url);
  expect(String(deadLetter?.content)).toBe('?');
  expect(deadLetter?.properties.headers).toMatchObject({
    own: 'header',
    'x-death': [{ reason: 'rejected', count: 1 }],
  });
  await consumer?.close();
  expect(await queueDepth(url, 'carillon.deliver')).toBe(0);
});

test('headers that do not fit into a frame are left out, and the connection stays', async () => {
  await producer.publishRaw(
    Buffer.from('?'),
    { headers: { small: 1, big: 'x'.repeat(20_000) }, contentType: 'c'.repeat(255) },
    'k'.repeat(255),
  );
  const settled: string[] = [];
  await consume(publisher, settled);
  await until('it to be settled', 20_000, () => settled.includes('dead-letter'));
  const [deadLetter] = await takeDeadLetters(url);
  expect(deadLetter?.properties.headers).toMatchObject({
    small: 1,
    'x-carillon-reason': 'unsupported_media_type',
    'x-carillon-headers': 'left out: "big"',
  });
  expect(log.filter((line) => line.includes('closed') || line.includes('down'))).toEqual([]);
});

test('a reason that is longer than any is cut', async () => {
  const message = {
    content: Buffer.from('?'),
    fields: { routingKey: 'k', consumerTag: '', deliveryTag: 1, redelivered: false, exchange: '' },
    properties: { ...noProperties(), headers: { a: 'b' } },
  };
  const refusal = { code: 'invalid_event', message: '€'.repeat(9_000), path: 'p'.repeat(9_000) } as const;
  await deadLetter(message, refusal, publisher, new AbortController().signal);
  const [kept] = await takeDeadLetters(url);
  expect(kept?.properties.headers?.['x-carillon-detail']).toMatch(/^€{300,340}/);
  expect(kept?.properties.headers).toMatchObject({ a: 'b' });
});

test('a publish over which RabbitMQ closes the link is distinguished from one that met a link that was lost', async () => {
  // amqplib writes it, and RabbitMQ takes no number that is none.
  const headers = { k: { '!': 'double', value: Number.NaN } };
  await expect(publisher.publish('carillon.dead', 'k', Buffer.from('?'), { headers })).rejects.toBeInstanceOf(
    RefusedByBroker,
  );
  await until('the link', 20_000, () => publisher.state === 'up');
  await publisher.publish('carillon.dead', 'k', Buffer.from('?'), {});
});
