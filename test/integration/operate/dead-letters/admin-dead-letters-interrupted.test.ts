/** Redrives that are interrupted, meet each other, or meet a RabbitMQ that is away: nothing is lost, nothing comes twice. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { deadLettersSchema, redriveResultSchema } from '../../../../src/contract/dead-letter.ts';
import {
  type CarillonProcess,
  isReady,
  JWT_SECRET,
  startCarillon,
  tokenFor,
} from '../../../support/carillon.ts';
import { connectClient, type TestClient } from '../../../support/client.ts';
import { deadLetter, deadLetterOf, deadLetters } from '../../../support/dead-letters.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { queueDepth } from '../../../support/queue-depth.ts';
import { amqpUrl as urlAt, vhostOf } from '../../../support/rabbitmq.ts';
import { freshRedis, freshVhost } from '../../../support/servers.ts';
import { startTcpProxy, type TcpProxy } from '../../../support/tcp-proxy.ts';
import { until } from '../../../support/until.ts';

let environment: Record<string, string>;
let amqpUrl: string;
let carillon: CarillonProcess;
/** Reaches RabbitMQ through the proxy. */
let other: CarillonProcess;
let proxy: TcpProxy;
let ada: TestClient;
let producer: Producer;

beforeAll(async () => {
  const [amqp, redis] = await Promise.all([freshVhost(), freshRedis()]);
  amqpUrl = amqp;
  environment = { AMQP_URL: amqp, REDIS_URL: redis, JWT_SECRET };
  carillon = await startCarillon(environment);
  producer = new Producer(amqp);
});
beforeEach(async () => {
  proxy = await startTcpProxy(inject('rabbitMq').port);
  other = await startCarillon({
    ...environment,
    AMQP_URL: urlAt(proxy.port, vhostOf(amqpUrl)),
    ROLES: 'gateway',
  });
  ada = connectClient(carillon.url, await tokenFor('ada'));
  await ada.session();
});
afterEach(async () => {
  ada.close();
  other.signal('SIGKILL');
  await proxy.close();
});
afterAll(async () => {
  await producer.close();
  await carillon.stop();
});

const depth = () => queueDepth(amqpUrl, 'carillon.dead');
const redrive = async (at: CarillonProcess, order: unknown = {}) =>
  redriveResultSchema.parse((await deadLetters(at, '/redrive', order)).answer);

async function deadLettered(prefix: string, count: number): Promise<readonly string[]> {
  const ids = Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
  await deadLetter(
    amqpUrl,
    ids.map((id) => deadLetterOf(madeEvent(id, { audience: 'user:ada' }), 'no_audience')),
  );
  return ids;
}

/** Every one of them came once, and what is published now is the very next. */
async function expectEachOnce(ids: readonly string[]): Promise<void> {
  await producer.publish(madeEvent(`${ids[0]}-end`, { audience: 'user:ada' }));
  const got = await ada.received(ids.length + 1);
  expect(got.map(({ id }) => id).toSorted()).toEqual([...ids, `${ids[0]}-end`].toSorted());
  const [first] = got;
  expect(got.map(({ offset }) => offset - (first?.offset ?? 0))).toEqual(got.map((_, i) => i));
}

test('the process is killed in the middle of 500: each event is delivered once, or a dead letter still', async () => {
  const ids = await deadLettered('killed', 500);
  // As slow as that many are not sent before this process, on a busy machine, gets to end it.
  const cut = deadLetters(other, '/redrive', { perSecond: 20 }).catch(() => 'cut off');
  await ada.received(20);
  other.signal('SIGKILL');
  expect(await cut).toBe('cut off');
  // RabbitMQ may put the rest back little by little.
  let left = new Set<string | undefined>();
  await until('each to be one or the other, and no more of them to come back', 20_000, async () => {
    const before = left.size;
    const page = deadLettersSchema.parse((await deadLetters(carillon, '?limit=500')).answer);
    left = new Set(page.deadLetters.map(({ event }) => event));
    const delivered = new Set(ada.notifications.map(({ id }) => id));
    return left.size === before && ids.every((id) => left.has(id) || delivered.has(id));
  });
  expect(left.size).toBeLessThan(500);
  expect(await redrive(carillon, { perSecond: 1_000 })).toMatchObject({ redriven: left.size, left: 0 });
  await expectEachOnce(ids);
  expect(await depth()).toBe(0);
});

test('two look and one redrives at once: each sees a whole, before or after', async () => {
  const ids = await deadLettered('at-once', 60);
  const look = async (at: CarillonProcess) =>
    deadLettersSchema.parse((await deadLetters(at, '?limit=100')).answer).matched;
  const [first, second, redriven, third] = await Promise.all([
    look(carillon),
    look(other),
    redrive(other, { perSecond: 60 }),
    look(carillon),
  ]);
  expect(redriven).toMatchObject({ redriven: 60, left: 0 });
  for (const matched of [first, second, third]) expect([0, 60]).toContain(matched);
  await expectEachOnce(ids);
});

test('two redrive the same at once: each event comes once', async () => {
  const ids = await deadLettered('both', 40);
  const results = await Promise.all([redrive(carillon), redrive(other)]);
  const counts = results.map((result) => (result.dryRun ? Number.NaN : result.redriven));
  expect(counts.toSorted((a, b) => a - b)).toEqual([0, 40]);
  await expectEachOnce(ids);
});

test('RabbitMQ goes away in the middle: 503, and the same again does the rest', async () => {
  const ids = await deadLettered('away', 60);
  const failing = deadLetters(other, '/redrive', { perSecond: 4 });
  await ada.received(5);
  proxy.blackHole();
  proxy.cut();
  expect(await failing).toMatchObject({ status: 503, answer: { code: 'broker_unavailable' } });
  expect(await deadLetters(other, '')).toMatchObject({ status: 503, answer: { code: 'broker_unavailable' } });
  proxy.heal();
  await until('the link to be back', 30_000, () => isReady(other));
  // RabbitMQ may put the rest back little by little.
  await until('the same again to do the rest', 20_000, async () => {
    await redrive(other);
    return ids.every((id) => ada.notifications.some((one) => one.id === id));
  });
  await expectEachOnce(ids);
  expect(await depth()).toBe(0);
});

test('a process without routes says that it cannot tell the audiences, and sends again all the same', async () => {
  await deadLetter(amqpUrl, [deadLetterOf(madeEvent('unrouted'), 'no_audience')]);
  expect(await redrive(other, { dryRun: true })).toMatchObject({ redrivable: 1, unrouted: 1, refused: [] });
  expect(await redrive(carillon, { dryRun: true })).toMatchObject({
    redrivable: 0,
    refused: [{ code: 'no_audience', count: 1 }],
  });
  expect(await redrive(other)).toMatchObject({ redriven: 1 });
  await until('it to be refused again', 20_000, async () => (await depth()) === 1);
});
