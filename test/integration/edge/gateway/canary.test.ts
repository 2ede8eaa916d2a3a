/** Readiness that means delivery: break each leg of an event's way, and every gateway names it until it is whole again. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { healthSchema } from '../../../../src/contract/health.ts';
import {
  type CarillonProcess,
  isReady,
  JWT_SECRET,
  spawnCarillon,
  startCarillon,
} from '../../../support/carillon.ts';
import { queueDepth } from '../../../support/queue-depth.ts';
import { type RedisServer, startRedis } from '../../../support/redis.ts';
import { freshVhost } from '../../../support/servers.ts';
import { startTcpProxy, type TcpProxy } from '../../../support/tcp-proxy.ts';
import { until } from '../../../support/until.ts';

/** Far more than is promised with an interval of 5 seconds, let alone with these: a busy machine may be late. */
const NOTICED_MS = 40_000;

let redis: RedisServer;
let control: Redis;
let toRabbitMq: TcpProxy;
let amqpUrl: string;
let consumer: CarillonProcess;
let gateways: readonly CarillonProcess[];
let ofGateways: Record<string, string>;
let ofConsumers: Record<string, string>;

const startConsumer = () => startCarillon(ofConsumers);

beforeAll(async () => {
  [redis, amqpUrl] = await Promise.all([startRedis(), freshVhost()]);
  control = new Redis(redis.url);
  toRabbitMq = await startTcpProxy(Number(new URL(amqpUrl).port));
  const disturbed = new URL(amqpUrl);
  disturbed.port = String(toRabbitMq.port);
  const common = { JWT_SECRET, REDIS_URL: redis.url, CANARY_SECONDS: '1' };
  ofConsumers = { ...common, AMQP_URL: amqpUrl, ROLES: 'consumer' };
  // Healing what was lost would take over from the subscription that is not there.
  ofGateways = { ...common, AMQP_URL: disturbed.href, ROLES: 'gateway', FEED_CHECK_SECONDS: '3600' };
  [consumer, ...gateways] = await Promise.all([
    startConsumer(),
    startCarillon(ofGateways),
    startCarillon(ofGateways),
  ]);
});
afterAll(async () => {
  toRabbitMq.heal();
  await Promise.all([consumer, ...gateways].map((process) => process.stop()));
  await toRabbitMq.close();
  control.disconnect();
  await redis.stop();
});

async function canaryOf({ opsUrl }: CarillonProcess) {
  const report = healthSchema.parse(await (await fetch(`${opsUrl}/health/ready`)).json());
  return { status: report.status, ...report.parts?.canary };
}

const metricsOf = async ({ opsUrl }: CarillonProcess) => (await fetch(`${opsUrl}/metrics`)).text();

async function allName(leg: string): Promise<void> {
  for (const gateway of gateways) {
    await expect
      .poll(() => canaryOf(gateway), { timeout: NOTICED_MS })
      .toEqual({ status: 'not_ready', ok: false, reason: leg });
    // Logs come a moment later.
    await expect
      .poll(() => gateway.output.findLast((line) => line.includes('the canary')))
      .toMatch(`"leg":"${leg}"`);
    await expect
      .poll(async () => (await metricsOf(gateway)).match(/^carillon_canary_up\{.*\} 0$/gm))
      .toEqual([`carillon_canary_up{leg="${leg}"} 0`]);
  }
}

async function allRecover(): Promise<void> {
  for (const gateway of gateways) await until('readiness', NOTICED_MS, () => isReady(gateway));
  for (const gateway of gateways) {
    // One of a busy machine's canaries may be late once more.
    await expect
      .poll(async () => (await metricsOf(gateway)).match(/^carillon_canary_up\{.*\} 1$/gm))
      .toHaveLength(4);
  }
}

describe('every gateway names', () => {
  test('a consumer that hangs', async () => {
    consumer.signal('SIGSTOP');
    await allName('consumer');
    consumer.signal('SIGCONT');
    await allRecover();
  });

  test('a consumer that is gone; what waited for it becomes no dead letter', async () => {
    expect(await consumer.stop()).toBe(0);
    await allName('consumer');
    consumer = await startConsumer();
    await allRecover();
    expect(await queueDepth(amqpUrl, 'carillon.dead')).toBe(0);
  });

  test('RabbitMQ that does not answer', async () => {
    toRabbitMq.blackHole();
    await allName('rabbitmq');
    toRabbitMq.heal();
    await allRecover();
  });

  test('Redis that does not answer', async () => {
    await redis.pause();
    await allName('redis');
    await redis.resume();
    await allRecover();
  });

  test('subscriptions that are lost', async () => {
    // Nobody who is connected is refused, and nobody who was gets in again.
    await control.config('SET', 'maxclients', '1');
    await control.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await allName('subscription');
    await control.config('SET', 'maxclients', '10000');
    await allRecover();
  });
});

test('a gateway that never had a consumer is not started, and says why', async () => {
  await consumer.stop();
  const late = await spawnCarillon(ofGateways);
  await until('the operators port', NOTICED_MS, () =>
    fetch(`${late.opsUrl}/health/live`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  await expect
    .poll(() => canaryOf(late), { timeout: NOTICED_MS })
    .toEqual({ status: 'starting', ok: false, reason: 'consumer' });
  consumer = await startConsumer();
  await until('readiness', NOTICED_MS, () => isReady(late));
  expect(await late.stop()).toBe(0);
});

test('it leaves little in Redis, and nothing among what users did', async () => {
  const keys = await control.keys('*carillon.canary*');
  expect(keys.filter((key) => key.endsWith(':log')).length).toBeGreaterThanOrEqual(gateways.length);
  for (const key of keys) {
    // One without an end has -1; -2 is none that has come to its end meanwhile.
    expect(await control.pttl(key), key).not.toBe(-1);
    expect(await control.pttl(key), key).toBeLessThanOrEqual(720_000);
    if (key.includes(':once:')) expect(await control.pttl(key), key).toBeLessThanOrEqual(120_000);
    if (key.endsWith(':log')) expect(await control.xlen(key), key).toBeLessThanOrEqual(4);
  }
  expect(await control.keys('*:trail*')).toEqual([]);
  for (const process of [consumer, ...gateways]) {
    expect(await metricsOf(process)).not.toMatch(
      /^carillon_(events|appends|deliveries|feed_heals)_total\{.*\} [1-9]/m,
    );
  }
});

test('a consumer has no canary, and 0 seconds mean none', async () => {
  expect(await canaryOf(consumer)).toEqual({ status: 'ready' });
  const without = await startCarillon({ ...ofGateways, CANARY_SECONDS: '0' });
  expect(await canaryOf(without)).toEqual({ status: 'ready' });
  await without.stop();
});
