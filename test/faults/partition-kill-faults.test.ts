/**
 * Events flow over four partitions while random consumers are killed, and others are started at once. PARTITION_EVENTS=100000
 * makes it long; TEST_SEED draws others.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CarillonProcess, spawnCarillon, startCarillon } from '../support/carillon.ts';
import { Producer } from '../support/producer.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { freshVhost } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { TRIED_ENVIRONMENT } from './fault-stack.ts';
import { KeyedFlow, keyOf } from './keyed-flow.ts';

const EVENTS = Number(process.env.PARTITION_EVENTS ?? 4_000);
const SEED = Number(process.env.TEST_SEED ?? 3);
const CONSUMERS = 3;
/** In events taken, on average: some seconds when there are many events. */
const KILL_EVERY = Math.min(EVENTS / 8, 2_500);
/** What is published and not taken yet: kills shall fall among events that are being taken. */
const MOST_AHEAD = 2_000;
const TIMEOUT_MS = 60_000;

let redis: RedisServer;
let environment: Readonly<Record<string, string>>;
const consumers: CarillonProcess[] = [];

beforeAll(async () => {
  redis = await startRedis();
  environment = {
    ...TRIED_ENVIRONMENT,
    AMQP_URL: await freshVhost(),
    REDIS_URL: redis.url,
    ROLES: 'consumer',
    PARTITIONS: '4',
  };
  for (let i = 0; i < CONSUMERS; i += 1) consumers.push(await startCarillon(environment));
});
afterAll(async () => {
  await Promise.all(consumers.map((consumer) => consumer.stop()));
  await redis.stop();
});

test(`${EVENTS} events over 4 partitions while consumers are killed at random`, {
  timeout: 400_000 + EVENTS * 20,
}, async () => {
  const draw = seededRandom(SEED);
  const producer = new Producer(environment.AMQP_URL ?? '', keyOf);
  const flow: KeyedFlow = new KeyedFlow({
    redisUrl: redis.url,
    publish: async (events) => {
      await producer.publish(...events);
      await until('consumers to keep up', TIMEOUT_MS, async () => {
        return flow.published - (await flow.taken()) < MOST_AHEAD;
      });
    },
    everyMs: 0,
    most: EVENTS,
  });
  let kills = 0;
  for (let at = 0; ; kills += 1) {
    at += Math.ceil(KILL_EVERY * (0.5 + draw()));
    if (at >= EVENTS) break;
    await until(`${at} events to be taken`, TIMEOUT_MS, async () => (await flow.taken()) >= at);
    const [killed] = consumers.splice(Math.floor(draw() * consumers.length), 1);
    killed?.signal('SIGKILL');
    consumers.push(await spawnCarillon(environment));
  }
  await flow.end();
  await producer.close();
  await flow.expectFlawless();
  flow.close();
  expect(kills).toBeGreaterThan(4);
  console.log(
    `seed ${SEED}: ${EVENTS} events over 4 partitions, ${kills} consumers killed: none lost, twice or out of order`,
  );
});
