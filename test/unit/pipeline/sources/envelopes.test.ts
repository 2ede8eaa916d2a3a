/** Envelopes: what plain JSON and CloudEvents become, with and without their names in the file. */
import { describe, expect, test } from 'vitest';
import { AmqpValue } from '../../../../src/adapters/rabbitmq/amqp-table.ts';
import { jsonTextOf } from '../../../../src/contract/written.ts';
import { becomes, readerOf, sent } from './messages.ts';

const HASH = /^[\w-]{43}$/;

describe('plain JSON', () => {
  test('all that a typical producer says', () => {
    const properties = {
      messageId: 'm1',
      appId: 'Order Service',
      timestamp: 1_795_770_000,
      contentType: 'application/json',
    };
    expect(becomes({ body: { customerId: 42 }, properties })).toEqual({
      specversion: '1.0',
      id: 'm1',
      source: '/Order%20Service',
      type: 'order.shipped',
      time: '2026-11-27T09:00:00.000Z',
      data: { customerId: 42 },
    });
  });

  test('nothing but a body and a key', () => {
    const event = {
      id: expect.stringMatching(HASH),
      source: '/shop.events',
      type: 'order.shipped',
      data: {},
    };
    expect(becomes({ body: {} })).toEqual({ specversion: '1.0', ...event });
  });

  test('a repeat has the same id, and nothing else has', () => {
    const idOf = (message: Parameters<typeof becomes>[0]) => {
      const read = readerOf('sources: [{ exchange: a }, { exchange: b }]').read(
        sent({ origin: { exchange: 'a' }, ...message }),
      );
      return read.ok ? read.value.event.id : read.refusal.code;
    };
    const first = idOf({ body: { n: 1 } });
    expect(first).toMatch(HASH);
    expect(idOf({ body: { n: 1 } })).toBe(first);
    const others = [
      idOf({ body: { n: 2 } }),
      idOf({ body: { n: 1 }, routingKey: 'other' }),
      idOf({ body: { n: 1 }, properties: { timestamp: 1 } }),
      idOf({ body: { n: 1 }, origin: { exchange: 'b' } }),
    ];
    expect(new Set([first, ...others]).size).toBe(5);
  });

  test.each([
    ['a fanout exchange, with a type', '', { type: 'bill.made' }, { exchange: 'shop.events' }, 'bill.made'],
    ['a fanout exchange, without', '', {}, { exchange: 'shop.events' }, 'shop.events'],
    ['the default exchange', 'q', { type: 'bill.made' }, { exchange: '', queue: 'q' }, 'bill.made'],
    ['the default exchange, without a type', 'q', {}, { exchange: '', queue: 'q' }, 'q'],
  ])('the type of what came by %s', (_, routingKey, properties, origin, type) => {
    const read = readerOf('sources: [{ exchange: shop.events }, { queue: q }]').read(
      sent({ body: {}, routingKey, properties, origin }),
    );
    expect(read).toMatchObject({ ok: true, value: { event: { type } } });
  });

  test.each([
    ['seconds', 1_795_770_000, '2026-11-27T09:00:00.000Z'],
    ['milliseconds', 1_795_770_000_123, '2026-11-27T09:00:00.123Z'],
    ['nonsense', 2 ** 64, undefined],
    ['nothing', 0, undefined],
  ])('a timestamp in %s', (_, timestamp, time) => {
    expect(becomes({ body: {}, properties: { timestamp } })).toEqual(
      expect.objectContaining(time === undefined ? { data: {} } : { time }),
    );
  });

  test('numbers and order stay as they were written', () => {
    const text = '{"n":12857044736508887020,"e":1.50,"a":{"z":1,"b":2}}';
    const read = readerOf('sources: [{ exchange: shop.events }]').read(sent({ body: text }));
    expect(read.ok && jsonTextOf(read.value.event.data ?? {})).toBe(text);
  });

  test.each([
    ['no JSON', 'x', 'not_json', undefined],
    ['nothing', '', 'not_json', undefined],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'not_json', undefined],
    ['a list', '[1]', 'invalid_event', 'data'],
    ['a text', '"a"', 'invalid_event', 'data'],
    ['null', 'null', 'invalid_event', 'data'],
    ['too deep', `${'[{"a":'.repeat(200)}1${'}]'.repeat(200)}`, 'invalid_event', undefined],
    ['too much', `{"a":"${'x'.repeat(262_144)}"}`, 'too_large', undefined],
  ])('%s is refused', (_, body, code, path) => {
    expect(becomes({ body })).toEqual({
      code,
      message: expect.any(String),
      ...(path === undefined ? {} : { path }),
    });
  });

  test('a list can be data all the same', () => {
    expect(
      becomes({ body: [1, 2] }, 'event: { data: { items: "{body}", first: "{body.0}", note: "n{body.1}" } }'),
    ).toMatchObject({
      data: { items: [1, 2], first: 1, note: 'n2' },
    });
  });

  test.each([
    ['a message-id of controls', { messageId: 'a\u0000' }, 'id'],
    ['a key with a space', { routingKey: 'order shipped' }, 'type'],
  ])('%s is refused with its field', (_, what, path) => {
    const { routingKey, ...properties } = { routingKey: 'a', ...what };
    expect(becomes({ body: {}, routingKey, properties })).toMatchObject({ code: 'invalid_event', path });
  });

  test('a message-id of 200 characters is one, and one that was broken on its way is none', () => {
    expect(becomes({ body: {}, properties: { messageId: 'i'.repeat(200) } })).toMatchObject({
      id: 'i'.repeat(200),
    });
    expect(becomes({ body: {}, properties: { messageId: 'a\ufffd' } })).toMatchObject({
      id: expect.stringMatching(HASH),
    });
  });

  test("a traceparent in the headers is the event's", () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    expect(becomes({ body: {}, properties: { headers: { traceparent } } })).toMatchObject({ traceparent });
  });
});

describe("CloudEvents in somebody else's exchange", () => {
  const event = { specversion: '1.0', id: '1', source: '/s', type: 't', data: { a: 1 } };
  const binary = {
    'cloudEvents:specversion': '1.0',
    'cloudEvents:id': '1',
    'cloudEvents:source': '/s',
    'cloudEvents:type': 't',
  };

  test.each([
    ['structured', { body: event, properties: { contentType: 'application/cloudevents+json' } }],
    ['structured, called JSON', { body: event, properties: { contentType: 'application/json' } }],
    ['structured, called nothing', { body: event }],
    ['binary', { body: { a: 1 }, properties: { contentType: 'application/json', headers: binary } }],
  ])('%s: read as one, whether or not the file says so', (_, message) => {
    expect(becomes(message)).toMatchObject(event);
    expect(becomes(message, 'envelope: cloudevents')).toMatchObject(event);
  });

  test('a template takes the place of an attribute', () => {
    expect(
      becomes({ body: event }, 'event: { audience: "user:{data.a}", type: "shop.{body.type}" }'),
    ).toMatchObject({
      ...event,
      type: 'shop.t',
      audience: ['user:1'],
    });
  });

  test('bytes stay bytes', () => {
    const message = { body: Buffer.from([0, 1]), properties: { contentType: 'image/png', headers: binary } };
    expect(becomes(message)).toMatchObject({ datacontenttype: 'image/png', data_base64: 'AAE=' });
    expect(becomes(message, 'event: { data: { of: "{routingKey}" } }')).toEqual({
      ...event,
      data: { of: 'order.shipped' },
    });
  });

  test('with envelope: cloudevents nothing else is taken', () => {
    expect(becomes({ body: { a: 1 } }, 'envelope: cloudevents')).toMatchObject({
      code: 'invalid_event',
      path: 'specversion',
    });
  });
});

test('templates over headers: numbers, moments, tables, and names with dots', () => {
  const headers = {
    tenant: 't1',
    big: new AmqpValue('long', '9007199254740993'),
    at: new AmqpValue('timestamp', 1_795_770_000),
    'a.b': { list: ['x', 'y'] },
    bytes: Buffer.from([0xff]),
    'x-carillon-reason': 'forged',
  };
  const data =
    '{ tenant: "{headers.tenant}", big: "{headers.big}", at: "{headers.at}", list: "{headers."a.b".list}" }'.replaceAll(
      '"{headers."a.b".list}"',
      `'{headers."a.b".list}'`,
    );
  expect(becomes({ body: {}, properties: { headers } }, `event: { data: ${data} }`)).toMatchObject({
    data: { tenant: 't1', big: '9007199254740993', at: '2026-11-27T09:00:00.000Z', list: ['x', 'y'] },
  });
  for (const name of ['bytes', 'x-carillon-reason', '__proto__', 'constructor', 'toString'])
    expect(
      becomes({ body: {}, properties: { headers } }, `event: { subject: "{headers.${name}}" }`),
    ).toMatchObject({
      code: 'invalid_event',
      path: 'subject',
    });
});
