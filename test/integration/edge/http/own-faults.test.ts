/**
 * Faults of our own, which nobody has foreseen: injected as bytes in Redis that no version has ever written. They are
 * not taken for an outage, leave their stack in the log, block nothing, and lose no event.
 */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { connectClient } from '../../../support/client.ts';
import { deadLetters } from '../../../support/dead-letters.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { freshRedis, freshVhost } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

let carillon: CarillonProcess;
let redis: Redis;
let producer: Producer;

beforeAll(async () => {
  const [amqpUrl, redisUrl] = await Promise.all([freshVhost(), freshRedis()]);
  redis = new Redis(redisUrl);
  // An entry without the field that the append script reads the epoch from: Lua fails on it.
  await redis.xadd('carillon:{user:broken}:log', '7-0', 'n', '{}');
  // No list of departments: reading it throws.
  await redis.set('carillon:{user:odd}:departments', '{');
  // A log with something else than a notification: whatever looks into it fails.
  await redis.xadd('carillon:{user:twisted}:log', '1-0', 'n', 'null', 'e', 'aa', 'at', Date.now(), 'x', '');
  carillon = await startCarillon({ AMQP_URL: amqpUrl, REDIS_URL: redisUrl, JWT_SECRET, PREFETCH: '4' });
  producer = new Producer(amqpUrl);
});
afterAll(async () => {
  await producer?.close();
  await carillon?.stop();
  redis?.disconnect();
});

const lineSchema = z.looseObject({ msg: z.string(), level: z.string() });
const linesLike = (msg: string) =>
  carillon.output
    .filter((line) => line.startsWith('{'))
    .map((line) => lineSchema.parse(JSON.parse(line)))
    .filter((line) => line.msg === msg);

test('an event on which the append always fails becomes a dead letter, and blocks nothing', {
  timeout: 120_000,
}, async () => {
  const client = connectClient(carillon.url, await tokenFor('well'));
  await client.session();
  // More than may be in hand at once, and one beside it that is good for one of two.
  const bad = Array.from({ length: 5 }, (_, i) => madeEvent(`bad-${i}`, { audience: 'user:broken' }));
  await producer.publish(
    ...bad,
    madeEvent('both', { audience: 'user:broken,user:well' }),
    madeEvent('good', { audience: 'user:well' }),
  );
  await client.received(2);
  expect(client.notifications.map(({ id }) => id)).toEqual(['both', 'good']);
  const read = async () =>
    z
      .object({
        deadLetters: z.array(z.looseObject({ reason: z.string(), event: z.string(), detail: z.string() })),
      })
      .parse((await deadLetters(carillon, '')).answer).deadLetters;
  await until('the dead letters', 50_000, async () => (await read()).length === 6);
  const found = await read();
  expect(found.map(({ event }) => event).sort()).toEqual([...bad.map(({ id }) => id), 'both'].sort());
  expect(new Set(found.map(({ reason }) => reason))).toEqual(new Set(['internal']));
  // What an operator needs: which event, and where in the code.
  await until('the log lines', 20_000, () => linesLike('the service failed on an event').length >= 6);
  expect(linesLike('the service failed on an event').find(({ id }) => id === 'bad-0')).toMatchObject({
    level: 'error',
    code: 'internal',
    source: '/test',
    id: 'bad-0',
    stack: expect.stringMatching(/\/src\/pipeline\/inbox\/[a-z-]+\.ts:\d+/),
  });
  expect(JSON.stringify(linesLike('the service failed on an event'))).toMatch(/script/i);

  // Mended, all of it goes on its way.
  await redis.del('carillon:{user:broken}:log', 'carillon:{user:broken}:meta');
  await deadLetters(carillon, '/redrive', { reason: 'internal' });
  const broken = connectClient(carillon.url, await tokenFor('broken'));
  await broken.session();
  await until('the log', 20_000, async () => (await redis.xlen('carillon:{user:broken}:log')) === 6);
  broken.close();
  client.close();
});

test('over HTTP: 500 internal, and the stack is in the log', async () => {
  const authorization = `Bearer ${await tokenFor('odd')}`;
  const response = await fetch(`${carillon.url}/v1/inbox`, { headers: { authorization } });
  expect([response.status, await response.json()]).toEqual([
    500,
    expect.objectContaining({ code: 'internal' }),
  ]);
  const admin = `Bearer ${await tokenFor('operator', { scope: 'admin' })}`;
  const given = await fetch(`${carillon.opsUrl}/admin/users/odd/departments`, {
    headers: { authorization: admin },
  });
  expect([given.status, await given.json()]).toEqual([500, expect.objectContaining({ code: 'internal' })]);
  await until('the log lines', 20_000, () => linesLike('request failed').length >= 2);
  for (const line of linesLike('request failed')) {
    expect(line).toMatchObject({ level: 'error', stack: expect.stringContaining('departments') });
  }
});

test('inside the inbox: 500 internal, and the stack is in the log', async () => {
  const authorization = `Bearer ${await tokenFor('twisted')}`;
  const response = await fetch(`${carillon.url}/v1/inbox`, { headers: { authorization } });
  expect([response.status, await response.json()]).toEqual([
    500,
    expect.objectContaining({ code: 'internal' }),
  ]);
  const ofInbox = () =>
    linesLike('request failed').find(({ stack }) => /\/src\/pipeline\/inbox\//.test(String(stack)));
  await until('the log line', 20_000, () => ofInbox() !== undefined);
  expect(ofInbox()).toMatchObject({
    level: 'error',
    reason: 'a log holds something else than a notification',
  });
});

test('over Socket.IO: the session that cannot begin leaves its stack too', async () => {
  const client = connectClient(carillon.url, await tokenFor('odd'));
  await until('the log line', 20_000, () => linesLike('session not begun').length > 0);
  client.close();
  expect(linesLike('session not begun')[0]).toMatchObject({
    level: 'error',
    code: 'internal',
    stack: expect.stringContaining('departments'),
  });
});
