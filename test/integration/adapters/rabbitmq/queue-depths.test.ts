/** How deep queues are: asked once for all who want to know, and what is not known has a reason. */
import { type ChannelModel, connect } from 'amqplib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { QueueDepths } from '../../../../src/adapters/rabbitmq/queue-depths.ts';
import { freshVhost } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

let model: ChannelModel;
beforeAll(async () => {
  model = await connect(await freshVhost());
  const channel = await model.createConfirmChannel();
  await channel.assertQueue('full');
  channel.sendToQueue('full', Buffer.from('waits'));
  await channel.assertQueue('heard');
  await channel.consume('heard', () => {});
  await channel.waitForConfirms();
});
afterAll(() => model?.close());

const COUNTED = {
  full: { messages: 1, consumers: 0 },
  heard: { messages: 0, consumers: 1 },
};

test('however many look at once, RabbitMQ is asked once, and later again', async () => {
  let asked = 0;
  const depths = new QueueDepths(
    () => {
      asked += 1;
      return model;
    },
    () => ['full', 'heard'],
  );
  const looks = await Promise.all([depths.look(), depths.look(), depths.read().then(() => depths.look())]);
  expect(looks.map(({ of }) => Object.fromEntries(of))).toEqual([COUNTED, COUNTED, COUNTED]);
  expect(new Set(looks.map(({ atMs }) => atMs)).size).toBe(1);
  expect(asked).toBe(1);
  await until('the answer to be too old', 10_000, async () => {
    await depths.look();
    return asked === 2;
  });
});

test('a queue that is missing is told apart, and left out of what metrics read', async () => {
  const depths = new QueueDepths(
    () => model,
    () => ['full', 'none', 'heard'],
  );
  const { of } = await depths.look();
  expect(Object.fromEntries(of)).toEqual({ ...COUNTED, none: 'missing' });
  expect([...of.keys()]).toEqual(['full', 'none', 'heard']);
  expect(await depths.read()).toEqual([
    { queue: 'full', ...COUNTED.full },
    { queue: 'heard', ...COUNTED.heard },
  ]);
});

test('without a connection nothing is answered, and nothing is 0', async () => {
  const depths = new QueueDepths(
    () => undefined,
    () => ['full', 'heard'],
  );
  const { of } = await depths.look();
  expect(Object.fromEntries(of)).toEqual({ full: 'not_answered', heard: 'not_answered' });
  expect(await depths.read()).toEqual([]);
});
