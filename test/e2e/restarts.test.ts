/** RabbitMQ and Redis restart in the middle of 5,000 events, and the inbox ends up with each of them, once, in order. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Audience } from '../../src/contract/audience.ts';
import { type CarillonProcess, isReady, JWT_SECRET, startCarillon, tokenFor } from '../support/carillon.ts';
import { Checker, flawless } from '../support/checker.ts';
import { connectClient } from '../support/client.ts';
import { madeEvent, Producer } from '../support/producer.ts';
import { queueDepth } from '../support/queue-depth.ts';
import { type RabbitMqServer, startRabbitMq } from '../support/rabbitmq.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

const EVENTS = 5_000;
const BATCH = 50;
const AUDIENCES: readonly Audience[] = [
  'user:ada',
  'user:bob',
  'department:sales',
  'topic:ticker.x',
  'global',
];

let rabbitMq: RabbitMqServer;
let redis: RedisServer;
let consumer: CarillonProcess;
let gateway: CarillonProcess;

beforeAll(async () => {
  [rabbitMq, redis] = await Promise.all([startRabbitMq(), startRedis({ persistent: true })]);
  const common = { AMQP_URL: rabbitMq.url(), REDIS_URL: redis.url, JWT_SECRET, INBOX_MAX_LENGTH: '10000' };
  [consumer, gateway] = await Promise.all([
    startCarillon({ ...common, ROLES: 'consumer' }),
    startCarillon({ ...common, ROLES: 'gateway' }),
  ]);
});
afterAll(async () => {
  await Promise.all([consumer, gateway].map((process) => process.stop()));
  await Promise.all([rabbitMq.stop(), redis.stop()]);
});

test('none of them is lost', { timeout: 180_000 }, async () => {
  const checker = new Checker();
  const producer = new Producer(rabbitMq.url());
  let restarts: Promise<unknown> = Promise.resolve();
  for (let published = 0; published < EVENTS; published += BATCH) {
    if (published === EVENTS * 0.2) restarts = redis.restart();
    if (published === EVENTS * 0.4) restarts = Promise.all([restarts, rabbitMq.restart()]);
    if (published === EVENTS * 0.7)
      restarts = Promise.all([restarts, redis.kill().then(() => redis.restart())]);
    const events = Array.from({ length: BATCH }, (_, i) =>
      checker.next(AUDIENCES[i % AUDIENCES.length] ?? 'global'),
    );
    await producer.publish(...events);
  }
  await restarts;
  await Promise.all(
    [consumer, gateway].map((process) => until('ready again', 30_000, () => isReady(process))),
  );

  // What comes last in each audience has everything else before it.
  const client = new Redis(redis.url);
  const idsIn = async (audience: Audience) => {
    const rows = await client.xrange(`carillon:{${audience}}:log`, '-', '+');
    return rows.map(([, fields]): string => JSON.parse(fields[1] ?? '{}').id);
  };
  for (const audience of AUDIENCES) {
    const last = `${audience}#${checker.count(audience)}`;
    await until(`${last} in the inbox`, 60_000, async () => (await idsIn(audience)).includes(last));
  }
  const seen = await Promise.all(
    AUDIENCES.map(async (audience) => ({ audience, ids: await idsIn(audience) })),
  );
  expect(checker.judge(seen)).toEqual(flawless(EVENTS));

  expect(await queueDepth(rabbitMq.url(), 'carillon.dead')).toBe(0);
  client.disconnect();
  await producer.close();
});

test('what comes afterwards rings as before', async () => {
  const producer = new Producer(rabbitMq.url());
  const ada = connectClient(gateway.url, await tokenFor('ada'));
  await ada.session();
  await producer.publish(madeEvent('afterwards', { audience: 'user:ada' }));
  expect((await ada.received(1))[0]).toMatchObject({ id: 'afterwards' });
  ada.close();
  await producer.close();
});
