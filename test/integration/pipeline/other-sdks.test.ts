/**
 * Events as other people's SDKs send them, through a real RabbitMQ: those for Python, Go and Java themselves where they
 * can be had, and AMQP 1.0.
 */
import { gzipSync } from 'node:zlib';
import { connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Amqp10Producer, dataOf, longOf, timestampOf } from '../../support/amqp10.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../support/carillon.ts';
import { connectClient, type TestClient } from '../../support/client.ts';
import { deadLetters } from '../../support/dead-letters.ts';
import { sendWithGoSdk, whyNoGoSdk } from '../../support/go-sdk.ts';
import { javaSdkMessages } from '../../support/java-sdk.ts';
import { pythonSdkMessages, type SdkMessage } from '../../support/python-sdk.ts';
import { freshRedis, freshVhost } from '../../support/servers.ts';
import { temporaryFile } from '../../support/temporary-file.ts';

const TIMEOUT_MS = 60_000;
const BUILD_MS = 300_000;
const TIME = '2026-11-20T09:00:00.123Z';
const TIME_MS = Date.parse(TIME);

let amqpUrl: string;
let carillon: CarillonProcess;
let amqp10: Amqp10Producer | undefined;

beforeAll(async () => {
  const [vhost, redisUrl] = await Promise.all([freshVhost(), freshRedis()]);
  amqpUrl = vhost;
  const ROUTES_FILE = temporaryFile('routes.yaml', 'routes: [{ type: sdk.java, audience: ["user:java"] }]');
  carillon = await startCarillon({ AMQP_URL: amqpUrl, REDIS_URL: redisUrl, JWT_SECRET, ROUTES_FILE });
  amqp10 = await Amqp10Producer.connect(amqpUrl);
});
afterAll(async () => {
  await amqp10?.close();
  await carillon.stop();
});

async function deviceOf(user: string): Promise<TestClient> {
  const client = connectClient(carillon.url, await tokenFor(user));
  await client.session();
  return client;
}

/** Over AMQP 1.0: RabbitMQ 4 makes whole seconds of a timestamp. */
function expectSentAt(time: string): void {
  expect([TIME_MS, Math.floor(TIME_MS / 1_000) * 1_000]).toContain(Date.parse(time));
}

/** Over AMQP 0-9-1: amqplib writes whole numbers as integers, as Python's clients do. */
async function publish({ headers, contentType, body }: Omit<SdkMessage, 'name'>): Promise<void> {
  const model = await connect(amqpUrl);
  const channel = await model.createConfirmChannel();
  const properties = { persistent: true, headers, ...(contentType === null ? {} : { contentType }) };
  channel.publish('carillon.events', 'sdk', body, properties);
  await channel.waitForConfirms();
  await model.close();
}

describe('the Python SDK', () => {
  test('in both modes of both its bindings', { timeout: TIMEOUT_MS * 2 }, async ({ skip }) => {
    const messages = await pythonSdkMessages('user:python');
    if (typeof messages === 'string') return skip(messages);
    expect(messages.map(({ name }) => name).sort()).toEqual([
      'amqp-binary',
      'amqp-structured',
      'rabbitmq-binary',
      'rabbitmq-structured',
    ]);
    const device = await deviceOf('python');
    for (const message of messages) await publish(message);
    const received = await device.received(messages.length);
    for (const { name, headers } of messages) {
      const arrived = received.find(({ id }) => id === name);
      expect(arrived).toMatchObject({ source: '/python', type: 'sdk.python', data: { title: name } });
      expect(Date.parse(arrived?.time ?? '')).toBe(TIME_MS);
      if (name === 'amqp-binary') expect(headers.cloudEvents_time).toBe(TIME_MS);
    }
    device.close();
  });
});

test('the Go SDK, in both modes over AMQP 1.0', { timeout: BUILD_MS + TIMEOUT_MS }, async ({ skip }) => {
  if (amqp10 === undefined) return skip('this RabbitMQ does not speak AMQP 1.0');
  const missing = await whyNoGoSdk();
  if (missing !== undefined) return skip(missing);
  const device = await deviceOf('go');
  await sendWithGoSdk(amqpUrl, 'user:go');
  const received = await device.received(2);
  expect(received.map(({ id }) => id).sort()).toEqual(['go-binary', 'go-structured']);
  for (const { id, source, data, time } of received) {
    expect({ source, data }).toEqual({ source: '/go', data: { title: id } });
    expectSentAt(time);
  }
  device.close();
});

test('the Java SDK, in both modes over AMQP 1.0', { timeout: BUILD_MS + TIMEOUT_MS }, async ({ skip }) => {
  const producer = amqp10;
  if (producer === undefined) return skip('this RabbitMQ does not speak AMQP 1.0');
  const messages = await javaSdkMessages();
  if (typeof messages === 'string') return skip(messages);
  const device = await deviceOf('java');
  for (const message of messages) await producer.sendEncoded(message);
  const received = await device.received(2);
  expect(received.map(({ id }) => id)).toEqual(['java-binary', 'java-structured']);
  for (const { id, source, data, time } of received) {
    expect({ source, data }).toEqual({ source: '/java', data: { title: id } });
    expectSentAt(time);
  }
  device.close();
});

describe('AMQP 1.0', () => {
  const attributes = (id: string, more: object = {}) => ({
    'cloudEvents:specversion': '1.0',
    'cloudEvents:id': id,
    'cloudEvents:source': '/sdk',
    'cloudEvents:type': 'sdk.sent',
    'cloudEvents:audience': 'user:amqp10',
    ...more,
  });
  const json = (id: string) => JSON.stringify({ title: id });
  const structured = (id: string) =>
    JSON.stringify({
      specversion: '1.0',
      id,
      source: '/sdk',
      type: 'sdk.sent',
      audience: 'user:amqp10',
      time: TIME,
      data: { title: id },
    });
  const STRUCTURED = 'application/cloudevents+json';

  test('of each SDK, and of what may be sent besides', { timeout: TIMEOUT_MS }, async ({ skip }) => {
    const producer = amqp10;
    if (producer === undefined) return skip('this RabbitMQ does not speak AMQP 1.0');
    const binary = (id: string, more: object) => ({
      application_properties: attributes(id, more),
      content_type: 'application/json',
      body: dataOf(json(id)),
    });
    const sent = {
      // As protocol/amqp of sdk-go v2.16 writes it: moments are AMQP timestamps.
      go: binary('go', { 'cloudEvents:time': timestampOf(TIME_MS) }),
      // As ProtonAmqpMessageWriter of sdk-java 4.1 writes it: all values are text.
      java: binary('java', { 'cloudEvents:time': TIME }),
      // As the binding for AMQP 1.0 of sdk-python 2.2 writes it: milliseconds.
      python: {
        ...binary('python', {}),
        application_properties: Object.fromEntries(
          Object.entries({ ...attributes('python'), 'cloudEvents:time': longOf(TIME_MS) }).map(
            ([name, value]) => [name.replace(':', '_'), value],
          ),
        ),
      },
      ce: {
        ...binary('ce', {}),
        application_properties: Object.fromEntries(
          Object.entries(attributes('ce')).map(([name, value]) => [
            name.replace('cloudEvents:', 'ce-'),
            value,
          ]),
        ),
        creation_time: TIME_MS,
      },
      structured: { content_type: STRUCTURED, body: dataOf(structured('structured')) },
      text: { content_type: STRUCTURED, body: structured('text') },
      gzip: {
        ...binary('gzip', { 'cloudEvents:time': TIME }),
        content_encoding: 'gzip',
        body: dataOf(gzipSync(json('gzip'))),
      },
      Zoë: binary('Zoë', { 'cloudEvents:time': TIME, 'cloudEvents:x': 'ü'.repeat(200) }),
    };
    const device = await deviceOf('amqp10');
    for (const message of Object.values(sent)) await producer.send(message);
    const received = await device.received(Object.keys(sent).length);
    expect(received.map(({ id }) => id)).toEqual(Object.keys(sent));
    for (const { id, data, time } of received) {
      expect(data).toEqual({ title: id });
      expectSentAt(time);
    }
    device.close();
  });

  test('what is refused is a dead letter with its names, and is read alike when it goes out again', {
    timeout: TIMEOUT_MS,
  }, async ({ skip }) => {
    const producer = amqp10;
    if (producer === undefined) return skip('this RabbitMQ does not speak AMQP 1.0');
    const { 'cloudEvents:audience': _nobody, ...forNobody } = attributes('for-nobody');
    await producer.send({
      application_properties: { ...forNobody, 'cloudEvents:x': 'ü' },
      content_type: 'application/json',
      content_encoding: 'gzip',
      body: dataOf(gzipSync('{"a":1}')),
    });
    await producer.send({ application_properties: { ce_specversion: '1.0' }, body: dataOf('{"a":1}') });
    await producer.send({ content_type: STRUCTURED, body: { a: 'map' } });
    await expect
      .poll(async () => (await deadLetters(carillon, '')).answer, { timeout: TIMEOUT_MS })
      .toMatchObject({
        deadLetters: expect.arrayContaining([
          expect.objectContaining({
            reason: 'no_audience',
            source: '/sdk',
            event: 'for-nobody',
            type: 'sdk.sent',
            body: expect.stringContaining('"data":{"a":1}'),
          }),
          expect.objectContaining({
            reason: 'invalid_event',
            detail: expect.stringContaining('specversion is required; found ce_specversion'),
          }),
          expect.objectContaining({
            reason: 'unsupported_media_type',
            detail: expect.stringContaining('AMQP 1.0 body'),
          }),
        ]),
      });
    const again = await deadLetters(carillon, '/redrive', { dryRun: true, reason: 'no_audience' });
    expect(again).toMatchObject({ answer: { matched: 1, refused: [{ code: 'no_audience', count: 1 }] } });
  });
});
