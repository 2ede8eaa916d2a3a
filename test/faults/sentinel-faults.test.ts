/**
 * The primary that Sentinels watch dies under load. What was acknowledged only once a replica had it is there afterwards,
 * and every device has every event once and in order.
 */
import { afterEach, expect, test } from 'vitest';
import { startCarillon, tokenFor } from '../support/carillon.ts';
import { Checker, flawless } from '../support/checker.ts';
import { Producer } from '../support/producer.ts';
import { startRedisSentinels } from '../support/redis-sentinel.ts';
import { freshVhost } from '../support/servers.ts';
import { TrackingClient } from '../support/tracking-client.ts';
import { until } from '../support/until.ts';
import { TRIED_ENVIRONMENT } from './fault-stack.ts';

const TIMEOUT_MS = 120_000;
const AUDIENCE = 'user:ada';
const EACH = 20;

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function startTried(redisUrl: string) {
  const amqpUrl = await freshVhost();
  const environment = {
    ...TRIED_ENVIRONMENT,
    AMQP_URL: amqpUrl,
    REDIS_URL: redisUrl,
    REDIS_MIN_REPLICAS: '1',
  };
  const [gateway, consumer] = await Promise.all(
    ['gateway', 'consumer'].map((role) => startCarillon({ ...environment, ROLES: role })),
  );
  closers.push(() => Promise.all([gateway?.stop(), consumer?.stop()]));
  return { amqpUrl, url: gateway?.url ?? '', consumer };
}

test('what only the dead primary had comes again from RabbitMQ, once a replica has it', {
  timeout: 300_000,
}, async () => {
  const redis = await startRedisSentinels();
  closers.push(() => redis.stop());
  const [primary, replica] = redis.nodes;
  if (primary === undefined || replica === undefined) throw new Error('no nodes');
  const { amqpUrl, url, consumer } = await startTried(redis.url);
  const producer = new Producer(amqpUrl);
  closers.push(() => producer.close());
  const checker = new Checker();
  const publish = () => producer.publish(...Array.from({ length: EACH }, () => checker.next(AUDIENCE)));
  const token = await tokenFor('ada');
  const [stays, returns] = [new TrackingClient([url], token), new TrackingClient([url], token)];
  closers.push(() => [stays, returns].map((client) => client.close()));
  await Promise.all([stays.begun(1), returns.begun(1)]);

  await publish();
  await Promise.all([stays.saw(AUDIENCE, EACH), returns.saw(AUDIENCE, EACH)]);
  returns.leave();
  // From now on the replica gets nothing: it may not ask for it, and what it was asking on is closed.
  await primary.control.call('ACL', 'SETUSER', 'default', '-psync');
  await primary.control.call('CLIENT', 'KILL', 'TYPE', 'replica');
  await publish();
  await until('the consumer to say what it waits for', TIMEOUT_MS, async () =>
    (await (await fetch(`${consumer?.opsUrl}/health/ready`)).text()).includes('0 of 1 replicas'),
  );
  await primary.kill();
  await redis.isFollowed(replica);
  // Comes back as the replica of the other, and has forgotten what it alone had.
  await primary.restart();
  await publish();
  await stays.saw(AUDIENCE, 3 * EACH);
  returns.connect();
  await returns.saw(AUDIENCE, 3 * EACH);

  const seen = [stays, returns].map((client) => ({ audience: AUDIENCE, ids: client.seen(AUDIENCE) }));
  expect(seen.map((one) => checker.judge([one]))).toEqual([flawless(3 * EACH), flawless(3 * EACH)]);
});
