/** Processes whose clocks differ: what is compared with another's time is told and judged by Redis' clock. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { userPresenceSchema } from '../../../../src/contract/presence.ts';
import { admin } from '../../../support/admin.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { connectClient } from '../../../support/client.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { queueDepth } from '../../../support/queue-depth.ts';
import { type RedisServer, startRedis } from '../../../support/redis.ts';
import { freshVhost } from '../../../support/servers.ts';
import { clockShifted } from '../../../support/shifted-clock.ts';

const MINUTE_MS = 60_000;

let redis: RedisServer;
let amqpUrl: string;
let producer: Producer;
let ahead: CarillonProcess;
let behind: CarillonProcess;

beforeAll(async () => {
  [redis, amqpUrl] = await Promise.all([startRedis(), freshVhost()]);
  const environment = { AMQP_URL: amqpUrl, REDIS_URL: redis.url, JWT_SECRET };
  [ahead, behind] = await Promise.all([
    startCarillon({ ...environment, ROLES: 'gateway', ...clockShifted(2 * MINUTE_MS) }),
    startCarillon({ ...environment, ROLES: 'consumer', ...clockShifted(-10 * MINUTE_MS) }),
  ]);
  producer = new Producer(amqpUrl);
});
afterAll(async () => {
  await producer.close();
  await Promise.all([ahead.stop(), behind.stop()]);
  await redis.stop();
});

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

test('what has expired is not rung by a consumer ten minutes behind, and becomes a dead letter', async () => {
  const client = connectClient(ahead.url, await tokenFor('ada'));
  await client.session();
  await producer.publish(
    madeEvent('expired', { audience: 'user:ada', expirytime: inMs(-5 * MINUTE_MS) }),
    madeEvent('last', { audience: 'user:ada' }),
  );
  const [first] = await client.received(1);
  expect(first?.id).toBe('last');
  await expect.poll(() => queueDepth(amqpUrl, 'carillon.dead')).toBe(1);
  client.close();
});

test('what has not expired is taken, rung, listed and recovered by a gateway two minutes ahead', async () => {
  const token = await tokenFor('bob');
  const client = connectClient(ahead.url, token);
  const { audiences } = await client.session();
  const event = madeEvent('current', { audience: 'user:bob', expirytime: inMs(MINUTE_MS) });
  const published = await fetch(`${ahead.url}/v1/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await tokenFor('service', { scope: 'events:write' })}`,
      'content-type': 'application/cloudevents+json',
    },
    body: JSON.stringify(event),
  });
  expect(published.status).toBe(202);
  await client.received(1);
  expect(await client.ask('inbox', {})).toMatchObject({ notifications: [{ id: 'current' }] });
  const before = audiences['user:bob'];
  const cursor = { epoch: before?.epoch, offset: before?.head };
  expect(await client.ask('sync', { cursors: { 'user:bob': cursor } })).toMatchObject({
    audiences: { 'user:bob': { recovered: true, notifications: [{ id: 'current' }] } },
  });
  client.close();
});

test('sessions begin and end by one clock', async () => {
  const client = connectClient(ahead.url, await tokenFor('eve'), { auth: { device: 'phone' } });
  await client.session();
  const presence = async () => {
    // By its own clock the operator's token would be of the future.
    const { answer } = await admin(behind, 'GET', 'users/eve/sessions');
    return userPresenceSchema.parse(answer);
  };
  await expect.poll(async () => (await presence()).sessions).toHaveLength(1);
  const [session] = (await presence()).sessions;
  expect(Date.parse(session?.connectedAt ?? '')).toBeLessThan(Date.now() + MINUTE_MS);
  client.close();
  await expect.poll(async () => (await presence()).devices).toHaveLength(1);
  const [device] = (await presence()).devices;
  expect(Date.parse(device?.disconnectedAt ?? '')).toBeLessThan(Date.now() + MINUTE_MS);
});
