/** Events are spread over partitions by their key, and the partitions over the consumer processes. */
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { logKeyOf } from '../../../src/adapters/redis/keys.ts';
import { type Explanation, explanationSchema } from '../../../src/contract/explanation.ts';
import {
  type CarillonProcess,
  JWT_SECRET,
  partsOf,
  spawnCarillon,
  startCarillon,
  tokenFor,
} from '../../support/carillon.ts';
import { doctor } from '../../support/doctor.ts';
import { madeEvent, Producer } from '../../support/producer.ts';
import { queueDepth } from '../../support/queue-depth.ts';
import { startRabbitMq } from '../../support/rabbitmq.ts';
import { freshRedis, freshVhost } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const TIMEOUT_MS = 60_000;
const QUEUES = [0, 1, 2, 3].map((partition) => `carillon.deliver.${partition}`);

let amqpUrl: string;
let redisUrl: string;
let environment: Readonly<Record<string, string>>;
const running: CarillonProcess[] = [];
let gateway: CarillonProcess;

async function start(role: string): Promise<CarillonProcess> {
  const started = await startCarillon({ ...environment, ROLES: role });
  running.push(started);
  return started;
}

async function stopAll(): Promise<void> {
  await Promise.all(running.splice(0).map((process) => process.stop()));
}

beforeAll(async () => {
  [amqpUrl, redisUrl] = await Promise.all([freshVhost(), freshRedis()]);
  environment = {
    AMQP_URL: amqpUrl,
    REDIS_URL: redisUrl,
    JWT_SECRET,
    PARTITIONS: '4',
    CANARY_SECONDS: '1',
    LOG_SAMPLE_RATE: '1',
  };
});
afterAll(stopAll);

async function activeQueues({ opsUrl }: CarillonProcess): Promise<readonly string[]> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  const active = text.matchAll(/^carillon_consumer_queue_active\{queue="([^"]*)"\} 1$/gm);
  return [...active].map(([, queue = '']) => queue);
}

async function explain(event: string, user: string): Promise<Explanation> {
  const token = await tokenFor('operator', { scope: 'admin' });
  const response = await fetch(`${gateway.opsUrl}/admin/explain?${new URLSearchParams({ event, user })}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return explanationSchema.parse(await response.json());
}

const received = ({ steps }: Explanation) => steps.find(({ what }) => what === 'received')?.detail;

/** Undefined while it does not listen yet. */
async function canaryOf(gateway: CarillonProcess) {
  return (await partsOf(gateway)).canary;
}

test('each partition has one consumer, no process more than its share, and HTTP sets the key', async () => {
  const first = await start('consumer');
  gateway = await start('gateway');
  await until('the first to have all', TIMEOUT_MS, async () => (await activeQueues(first)).length === 4);
  const second = await start('consumer');
  await until('two each', TIMEOUT_MS, async () => {
    const all = [await activeQueues(first), await activeQueues(second)];
    return all.every(({ length }) => length === 2) && new Set(all.flat()).size === 4;
  });

  const model = await connect(amqpUrl);
  const channel = await model.createChannel();
  await channel.assertQueue('heard', { exclusive: true });
  await channel.bindQueue('heard', 'carillon.events', 'key.#');
  const keys = new Map<string, unknown>();
  await channel.consume('heard', (message) => {
    keys.set(String(message?.fields.routingKey), message?.properties.headers?.['carillon-key']);
  });
  const published = await fetch(`${gateway.url}/v1/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await tokenFor('shop', { scope: 'events:write' })}`,
      'content-type': 'application/cloudevents-batch+json',
    },
    body: JSON.stringify([
      madeEvent('1', { type: 'key.named', audience: 'user:1', partitionkey: 'order-7' }),
      madeEvent('2', { type: 'key.audience', audience: ['user:2', 'user:1'] }),
    ]),
  });
  expect(published.status).toBe(202);
  await until('both to be heard', TIMEOUT_MS, () => keys.size === 2);
  expect(Object.fromEntries(keys)).toEqual({ 'key.named': 'order-7', 'key.audience': 'user:2' });
  await model.close();

  const redis = new Redis(redisUrl);
  const length = () => redis.xlen(logKeyOf('user:1', 'log'));
  await until('both to be in the inbox', TIMEOUT_MS, async () => (await length()) === 2);
  redis.disconnect();
  const { of, findings } = await doctor(environment);
  expect(of('rabbitmq partitions')).toBeUndefined();
  expect(of('rabbitmq topology')?.verdict).toBe('ok');
  expect(findings.filter(({ check }) => check === 'rabbitmq consumers').map(({ found }) => found)).toEqual([
    ...QUEUES.map((queue) => `1 on ${queue}, 0 events wait`),
    '2 processes share the partitions',
  ]);
});

test('the log and explain name the partition that an event was taken from', async () => {
  const consumers = running.filter((one) => one !== gateway);
  const producer = new Producer(amqpUrl, () => 'order-7');
  await producer.publish(madeEvent('named', { audience: 'user:ada' }));
  await producer.close();
  await expect.poll(async () => (await explain('named', 'ada')).verdict).toBe('kept');
  const appended = () => consumers.flatMap(({ output }) => output.filter((line) => line.includes('"named"')));
  await until('the append to be logged', TIMEOUT_MS, () => appended().length > 0);
  const { queue }: { readonly queue: string } = JSON.parse(appended()[0] ?? '');
  expect(QUEUES).toContain(queue);
  // The outcome follows a moment after the log.
  await expect
    .poll(async () => received(await explain('named', 'ada')))
    .toBe(`a consumer took it from ${queue}`);
});

test('explain names the partitions that nobody takes from', async () => {
  await Promise.all(running.filter((one) => one !== gateway).map((one) => one.stop()));
  const producer = new Producer(amqpUrl, () => 'order-7');
  await producer.publish(madeEvent('waits', { audience: 'user:ada' }));
  await producer.close();
  const steps = async () => {
    const { verdict, steps } = await explain('waits', 'ada');
    return [verdict, ...steps.map(({ detail }) => detail.replace(/\d+ events?/, 'N events'))];
  };
  // RabbitMQ's answer is used for two seconds.
  await expect
    .poll(steps)
    .toEqual([
      'waiting',
      expect.stringMatching(/^N events waiting in 4 partitions/),
      ...QUEUES.map((queue) => `${queue}: N events waiting, without a consumer`),
    ]);
});

test('events without a key go to one and the same partition, those with keys to all', async () => {
  await stopAll();
  const producer = new Producer(amqpUrl);
  const depths = () => Promise.all(QUEUES.map((queue) => queueDepth(amqpUrl, queue)));
  let before = await depths();
  const more = async () => (await depths()).map((depth, i) => depth - (before[i] ?? 0));
  const body = Buffer.from('{}');
  for (let i = 0; i < 20; i += 1)
    await producer.publishRaw(body, i % 2 === 0 ? {} : { headers: { other: i } }, `key.${i}`);
  expect((await more()).toSorted((a, b) => a - b)).toEqual([0, 0, 0, 20]);
  before = await depths();
  for (let i = 0; i < 100; i += 1)
    await producer.publishRaw(body, { headers: { 'carillon-key': `user:${i}` } });
  expect((await more()).every((depth) => depth > 0)).toBe(true);
  await producer.close();
});

test.for([
  { what: 'a partition', queues: QUEUES.slice(2, 3), named: 'consumer 2' },
  // Among them is the one that the gateway's own event goes to, which nobody could tell by itself.
  { what: 'the first of all partitions', queues: QUEUES, named: 'consumer 0' },
])('$what that is stuck makes gateways unready, and is named', async ({ queues, named }) => {
  await stopAll();
  const model = await connect(amqpUrl);
  const channel = await model.createChannel();
  await channel.prefetch(1);
  // It is the first in line, and settles nothing.
  for (const queue of queues) await channel.consume(queue, () => {});
  const stuck = await spawnCarillon({ ...environment, ROLES: 'gateway' });
  running.push(stuck);
  await start('consumer');
  await until('the partition to be named', TIMEOUT_MS, async () => {
    return (await canaryOf(stuck))?.reason === named;
  });
  const text = await (await fetch(`${stuck.opsUrl}/metrics`)).text();
  expect(text).toContain(`carillon_canary_up{leg="${named}"} 0`);
  await model.close();
  await until('the gateway to be ready', TIMEOUT_MS, async () => (await canaryOf(stuck))?.ok === true);
});

test('without the plugin the start and the doctor say how to turn it on', async () => {
  const rabbitMq = await startRabbitMq({ plugins: [] });
  const without = { ...environment, AMQP_URL: rabbitMq.url() };
  const refused = await spawnCarillon({ ...without, ROLES: 'consumer' });
  expect(await refused.exited).toBe(1);
  const sentence = 'rabbitmq-plugins enable rabbitmq_consistent_hash_exchange';
  expect(refused.output.find((line) => line.includes('plugin_off'))).toContain(sentence);
  const { of } = await doctor(without);
  expect(of('rabbitmq partitions')).toMatchObject({ verdict: 'wrong' });
  expect(of('rabbitmq partitions')?.found).toContain(sentence);
  await rabbitMq.stop();
});
