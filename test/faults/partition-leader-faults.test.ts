/**
 * RabbitMQ is a cluster, and the node dies that leads a partition: the other two go on, with consumers that were
 * connected to it and with new ones, and no event is lost, twice or out of order by key.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CarillonProcess, startCarillon, untilReady } from '../support/carillon.ts';
import { Producer } from '../support/producer.ts';
import { type RabbitMqCluster, startRabbitMqCluster } from '../support/rabbitmq-cluster.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { TRIED_ENVIRONMENT } from './fault-stack.ts';
import { KeyedFlow, keyOf } from './keyed-flow.ts';

const BATCH_EVERY_MS = 50;
const TIMEOUT_MS = 60_000;

let rabbitMq: RabbitMqCluster;
let redis: RedisServer;
const running: CarillonProcess[] = [];

beforeAll(async () => {
  [rabbitMq, redis] = await Promise.all([startRabbitMqCluster(), startRedis()]);
});
afterAll(async () => {
  await Promise.all(running.map((process) => process.stop()));
  await Promise.all([rabbitMq.stop(), redis.stop()]);
});

async function start(role: string): Promise<CarillonProcess> {
  const started = await startCarillon({
    ...TRIED_ENVIRONMENT,
    AMQP_URL: rabbitMq.url,
    REDIS_URL: redis.url,
    ROLES: role,
    PARTITIONS: '4',
    CANARY_SECONDS: '1',
  });
  running.push(started);
  return started;
}

test("a partition's leader is killed, and another one's", { timeout: 300_000 }, async () => {
  await Promise.all([start('consumer'), start('consumer')]);
  const gateway = await start('gateway');
  const producer = new Producer(rabbitMq.url, keyOf);
  const flow = new KeyedFlow({
    redisUrl: redis.url,
    publish: (events) => producer.publish(...events),
    everyMs: BATCH_EVERY_MS,
  });
  await flow.untilTaken();

  const killed: string[] = [];
  for (const queue of ['carillon.deliver.2', 'carillon.deliver.1']) {
    const leader = await rabbitMq.leaderOf(queue);
    killed.push(leader.name);
    await leader.server.kill();
    expect((await rabbitMq.leaderOf(queue)).name).not.toBe(leader.name);
    // What is confirmed from now on has been in two members, and is taken without the third.
    await flow.confirms(1_000);
    await flow.untilTaken();
    await untilReady(gateway, 'an event through each partition', TIMEOUT_MS);
    // Nothing that it needs is on that node alone.
    await start('consumer');
    await leader.server.restart();
    await rabbitMq.isWhole();
  }
  expect(new Set(killed).size).toBe(2);
  await flow.confirms(400);
  await flow.end();
  await producer.close();
  await flow.expectFlawless();
  flow.close();
  console.log(
    `${flow.published} events while leaders of partitions were killed: none lost, twice or out of order`,
  );
});
