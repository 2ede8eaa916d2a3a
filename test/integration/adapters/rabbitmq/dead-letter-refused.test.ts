/** How often a dead letter is kept when links break, or the process stops, while it is being made a dead letter. */
import { pino } from 'pino';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { ONE_QUEUE } from '../../../../src/adapters/rabbitmq/names.ts';
import { Publisher } from '../../../../src/adapters/rabbitmq/publisher.ts';
import { amqpAddressOf } from '../../../../src/config/amqp-address.ts';
import { EventObservers } from '../../../../src/pipeline/event-observer.ts';
import { Consumer } from '../../../../src/pipeline/ingest/rabbitmq-consumer.ts';
import { ACK } from '../../../../src/pipeline/ingest/settlement.ts';
import { MessageReader } from '../../../../src/pipeline/sources/message-reader.ts';
import { takeDeadLetters } from '../../../support/dead-letters.ts';
import { Producer } from '../../../support/producer.ts';
import { queueDepth } from '../../../support/queue-depth.ts';
import { amqpUrl, vhostOf } from '../../../support/rabbitmq.ts';
import { freshVhost } from '../../../support/servers.ts';
import { startTcpProxy, type TcpProxy } from '../../../support/tcp-proxy.ts';
import { until } from '../../../support/until.ts';

const COUNT = 20;

let direct: string;
let toPublisher: TcpProxy;
let toConsumer: TcpProxy;
let publisher: Publisher;
let consumer: Consumer;
let producer: Producer;
/** How many burials were begun, and what became of the events. */
let begun: number;
let settled: string[];

beforeEach(async () => {
  [begun, settled] = [0, []];
  direct = await freshVhost();
  const { port } = inject('rabbitMq');
  [toPublisher, toConsumer] = await Promise.all([startTcpProxy(port), startTcpProxy(port)]);
  const log = pino(
    {},
    {
      write: (line) => {
        if (line.includes('becomes a dead letter')) begun += 1;
      },
    },
  );
  const onClash = (clash: Error) => expect.fail(clash.message);
  publisher = new Publisher(log, onClash);
  consumer = new Consumer({
    partitioning: ONE_QUEUE,
    now: Date.now,
    prefetch: 100,
    reader: new MessageReader(undefined, { maxBytes: 65_536, maxAudiences: 100 }),
    sources: undefined,
    handle: async () => ACK,
    publisher,
    isStoreUp: () => true,
    log,
    onClash,
    observers: new EventObservers([{ settled: (_life, { kind }) => void settled.push(kind) }], () => {}),
  });
  await publisher.open(amqpAddressOf(amqpUrl(toPublisher.port, vhostOf(direct))));
  await consumer.open(amqpAddressOf(amqpUrl(toConsumer.port, vhostOf(direct))));
  await until('both links', 20_000, () => publisher.state === 'up' && consumer.state === 'up');
  producer = new Producer(direct);
});
afterEach(async () => {
  await producer.close();
  await consumer.close();
  await publisher.close();
  await Promise.all([toPublisher.close(), toConsumer.close()]);
});

const publishPoison = async () => {
  for (let i = 0; i < COUNT; i += 1) await producer.publishRaw(Buffer.from('?'), {}, `poison.${i}`);
};
const of = (kind: string) => settled.filter((one) => one === kind).length;

test('what RabbitMQ delivers again is buried once, if its burial had not been sent', async () => {
  toPublisher.blackHole();
  toPublisher.cut();
  await until('the publishing link to be lost', 20_000, () => publisher.state !== 'up');
  await publishPoison();
  await until('all to be taken', 20_000, () => begun === COUNT);
  toConsumer.cut();
  // Taken again now, they would be counted again for nothing.
  await until('the consumer to wait', 20_000, () => consumer.state === 'waiting');
  toPublisher.heal();
  await until('all to be settled', 30_000, () => settled.length === 2 * COUNT);
  expect([of('release'), of('dead-letter')]).toEqual([COUNT, COUNT]);
  expect(await queueDepth(direct, 'carillon.dead')).toBe(COUNT);
});

test('what was sent before its channel was gone may be kept twice, with one message-id', async () => {
  toPublisher.blackHole('toClient');
  await publishPoison();
  await until('all to be kept', 20_000, async () => (await queueDepth(direct, 'carillon.dead')) === COUNT);
  toConsumer.cut();
  await until('all to be taken again', 20_000, () => begun === 2 * COUNT);
  toPublisher.heal();
  await until('all to be settled', 30_000, () => settled.length === 2 * COUNT);
  const deadLetters = await takeDeadLetters(direct);
  expect(deadLetters).toHaveLength(2 * COUNT);
  expect(new Set(deadLetters.map(({ properties }) => properties.messageId)).size).toBe(COUNT);
});

test('what is confirmed while the process stops is not buried again by the next', async () => {
  toPublisher.blackHole('toClient');
  await publishPoison();
  await until('all to be kept', 20_000, async () => (await queueDepth(direct, 'carillon.dead')) === COUNT);
  const drained = consumer.drain();
  toPublisher.heal();
  await drained;
  expect(of('dead-letter')).toBe(COUNT);
});

test('the message-id is of what came: the event, its attributes and its routing key', async () => {
  const attributes = (id: unknown) => ({ headers: { 'cloudEvents:id': id, 'cloudEvents:type': 't' } });
  const body = Buffer.from('{}');
  const different = [
    () => producer.publishRaw(body, attributes('1')),
    () => producer.publishRaw(body, attributes('2')),
    () => producer.publishRaw(body, attributes(3)),
    () => producer.publishRaw(body, attributes(4)),
    () => producer.publishRaw(body, attributes('1'), 'test.other'),
    () => producer.publishRaw(Buffer.from('[]'), attributes('1')),
  ];
  for (const publish of [...different, ...different]) await publish();
  await until('all to be buried', 20_000, () => of('dead-letter') === 2 * different.length);
  const ids = (await takeDeadLetters(direct)).map(({ properties }) => String(properties.messageId));
  expect(ids).toHaveLength(2 * different.length);
  expect(new Set(ids).size).toBe(different.length);
});
