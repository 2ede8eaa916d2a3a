/**
 * AMQP messages as no client library writes them, through RabbitMQ into the whole program: each becomes a dead letter
 * by itself, with its reason and what was left out of it; the good event behind it comes once and in order, and no
 * delivery is counted. Operators list, show, redrive and discard them.
 */
import { connect, type GetMessage } from 'amqplib';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { readHeadersSafely } from '../../../../src/adapters/rabbitmq/amqplib-reader.ts';
import {
  type DeadLetter,
  deadLetterSchema,
  deadLettersSchema,
  redriveResultSchema,
} from '../../../../src/contract/dead-letter.ts';
import { refusalCodeSchema } from '../../../../src/contract/refusal.ts';
import { nestedTables, propertiesOf } from '../../../support/amqp-bytes.ts';
import { poison, wholeEvent } from '../../../support/amqp-poison.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { Checker, flawless } from '../../../support/checker.ts';
import { connectClient, type TestClient } from '../../../support/client.ts';
import { deadLetters } from '../../../support/dead-letters.ts';
import fc from '../../../support/fast-check.ts';
import { countInputs } from '../../../support/hostile.ts';
import { hostileProperties, spoiltProperties } from '../../../support/hostile-amqp.ts';
import { madeEvent } from '../../../support/producer.ts';
import { queueDepth } from '../../../support/queue-depth.ts';
import { RawProducer } from '../../../support/raw-amqp.ts';
import { freshRedis, freshVhost } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

const GOOD = 'user:good';
/** Each takes all of them in hand. */
const SHOWN = 20;
const PERSISTENT = { deliveryMode: 2 };
const STRUCTURED = propertiesOf({ contentType: 'application/cloudevents+json', ...PERSISTENT });

const tried = countInputs();
let amqpUrl: string;
let carillon: CarillonProcess;
let raw: RawProducer;
let checker: Checker;
let good: TestClient;

beforeAll(async () => {
  const [amqp, redis] = await Promise.all([freshVhost(), freshRedis()]);
  amqpUrl = amqp;
  carillon = await startCarillon({ AMQP_URL: amqp, REDIS_URL: redis, JWT_SECRET });
  raw = new RawProducer(amqp);
  checker = new Checker();
  good = connectClient(carillon.url, await tokenFor('good'));
  await good.session();
});
beforeEach(() => expect(depth()).resolves.toBe(0));
afterEach(() => {
  const disturbed = carillon.output.filter((line) =>
    /set up again|left to RabbitMQ|"level":"fatal"/.test(line),
  );
  expect(disturbed).toEqual([]);
});
afterAll(async () => {
  good.close();
  raw.close();
  await carillon.stop();
});

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const depth = () => queueDepth(amqpUrl, 'carillon.dead');

/** Which of them RabbitMQ has taken. Behind each comes a good event. */
async function publishAll(
  messages: readonly { properties: Buffer; body: Buffer; key: Uint8Array | string }[],
) {
  const taken: boolean[] = [];
  for (const { properties, body, key } of messages) {
    tried();
    taken.push(await raw.publish({ properties, body, routingKey: key }));
    const next = checker.next(GOOD);
    await raw.publish({ properties: STRUCTURED, body: json(next), routingKey: next.type });
  }
  return taken;
}

async function expectGoodOnes(): Promise<void> {
  const count = checker.count(GOOD);
  const ids = (await good.received(count)).map(({ id }) => id);
  expect(checker.judge([{ audience: GOOD, ids }])).toEqual(flawless(count));
}

async function list(): Promise<readonly DeadLetter[]> {
  const { status, answer } = await deadLetters(carillon, '?limit=500');
  expect(status, JSON.stringify(answer)).toBe(200);
  return deadLettersSchema.parse(answer).deadLetters;
}

/** All that there are, as they lie there. They go back. */
async function peek(): Promise<readonly GetMessage[]> {
  const model = await connect(amqpUrl);
  readHeadersSafely(model);
  const channel = await model.createChannel();
  const found: GetMessage[] = [];
  for (;;) {
    const deadLetter = await channel.get('carillon.dead');
    if (deadLetter === false) break;
    found.push(deadLetter);
  }
  await model.close();
  await until('them to be back', 20_000, async () => (await depth()) === found.length);
  return found;
}

async function expectWholeTools(found: readonly DeadLetter[]): Promise<void> {
  for (const deadLetter of found.slice(0, SHOWN)) {
    const { status, answer } = await deadLetters(carillon, `/${deadLetter.id}`);
    expect(status, JSON.stringify(answer)).toBe(200);
    expect(deadLetterSchema.parse(answer).reason).toBe(deadLetter.reason);
  }
  const foretold = redriveResultSchema.parse(
    (await deadLetters(carillon, '/redrive', { dryRun: true })).answer,
  );
  expect(foretold.matched).toBe(found.length);
  const ids = found.map(({ id }) => id);
  expect(await deadLetters(carillon, '/discard', { ids })).toMatchObject({
    status: 200,
    answer: { discarded: ids.length },
  });
  expect(await depth()).toBe(0);
}

test('each form of it', { timeout: 120_000 }, async () => {
  const messages = poison.map(({ properties, body, key }, i) => ({
    properties: propertiesOf({ ...properties, ...PERSISTENT }),
    body,
    key: key ?? `form.${i}`,
  }));
  expect(await publishAll(messages)).toEqual(poison.map(() => true));
  await expectGoodOnes();
  await until('each to be a dead letter', 30_000, async () => (await depth()) === poison.length);

  const inQueue = await peek();
  for (const [i, { what, body, reason, leftOut, key }] of poison.entries()) {
    const deadLetter = inQueue.find(
      ({ fields }) => fields.routingKey === `form.${i}` || (key && /^\ufffd/.test(fields.routingKey)),
    );
    const found = deadLetter?.properties.headers ?? {};
    expect(found['x-carillon-reason'], what).toBe(reason);
    if (leftOut === undefined) expect(found['x-carillon-headers'], what).toBeUndefined();
    else expect(found['x-carillon-headers'], what).toContain(leftOut);
    expect(deadLetter?.content.equals(body), what).toBe(true);
    expect(found['x-delivery-count'] ?? 0, what).toBe(0);
  }
  expect(new Set(inQueue.map(({ properties }) => properties.messageId)).size).toBe(poison.length);

  const found = await list();
  expect(found).toHaveLength(poison.length);
  // The operator sends it without what nobody can read.
  const whole = connectClient(carillon.url, await tokenFor('whole'));
  await whole.session();
  const redriven = redriveResultSchema.parse((await deadLetters(carillon, '/redrive', {})).answer);
  expect(redriven).toMatchObject({ redriven: 1, matched: poison.length, left: 0 });
  expect((await whole.received(1)).map(({ id }) => id)).toEqual(['whole']);
  whole.close();
  await expectWholeTools(await list());
});

test('what RabbitMQ itself gave up with headers that cannot be read is listed, shown, refused and discarded', async () => {
  const others = ['before', 'behind'].map((id) => madeEvent(id, { audience: 'user:others' }));
  const deep = propertiesOf({ headers: [['deep', nestedTables(4_000)]], ...PERSISTENT });
  const deadLetter = (properties: Buffer, body: Buffer) =>
    raw.publish({ exchange: 'carillon.dead', routingKey: 'given.up', properties, body });
  await deadLetter(STRUCTURED, json(others[0]));
  await deadLetter(deep, wholeEvent);
  await deadLetter(STRUCTURED, json(others[1]));
  const found = await list();
  expect(found.map(({ event: id }) => id).toSorted()).toEqual(['before', 'behind', 'whole']);
  const redriven = redriveResultSchema.parse((await deadLetters(carillon, '/redrive', {})).answer);
  expect(redriven).toMatchObject({ redriven: 2, refused: [{ code: 'invalid_headers', count: 1 }] });
  await expectWholeTools(await list());
});

test('whatever bytes RabbitMQ passes on', { timeout: 120_000 }, async () => {
  const sample = (of: fc.Arbitrary<Buffer>, numRuns: number) => fc.sample(of, { numRuns });
  const given = [...sample(hostileProperties, 60), ...sample(spoiltProperties, 40)];
  const ear = connectClient(carillon.url, await tokenFor('ear'));
  await ear.session();
  const messages = given.map((properties, i) => ({
    properties,
    body: json(madeEvent(`fuzz.${i}`, { audience: 'user:ear' })),
    key: `fuzz.${i}`,
  }));
  const taken = await publishAll(messages);
  const sent = messages.filter((_, i) => taken[i]).map(({ key }) => key);
  expect(sent.length).toBeGreaterThan(40);
  await expectGoodOnes();
  await until('each to be a dead letter or delivered', 30_000, async () => {
    return (await depth()) + ear.notifications.length >= sent.length;
  });
  const delivered = ear.notifications.map(({ id }) => id);
  const inQueue = await peek();
  const deadLettered = inQueue.map(({ fields }) => fields.routingKey);
  expect([...delivered, ...deadLettered].toSorted()).toEqual(sent.toSorted());
  for (const { properties } of inQueue) {
    expect(refusalCodeSchema.options).toContain(properties.headers?.['x-carillon-reason']);
    // RabbitMQ 4 passes on what a producer writes there, RabbitMQ 3 does not.
    const deliveries: unknown = properties.headers?.['x-delivery-count'];
    expect(typeof deliveries === 'number' ? deliveries : 0).toBe(0);
  }
  ear.close();
  const found = await list();
  expect(found).toHaveLength(deadLettered.length);
  await expectWholeTools(found);
});
