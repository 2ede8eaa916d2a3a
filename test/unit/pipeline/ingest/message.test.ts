/** AMQP messages as events: headers of both prefixes, AMQP's own types, content types, and the size bound. */
import { describe, expect, test } from 'vitest';
import { readMessage } from '../../../../src/pipeline/ingest/message.ts';

const MAX_BYTES = 65_536;
const envelope = { specversion: '1.0', id: '1', source: '/shop', type: 'order.shipped', data: { a: 1 } };
const body = Buffer.from(JSON.stringify(envelope));

type Headers = Record<string, unknown>;

const read = (content: Buffer | string, contentType?: string, headers?: Headers) =>
  readMessage(Buffer.from(content), { contentType, headers }, MAX_BYTES);

const attributes = (prefix: string, more: Headers = {}): Headers =>
  Object.fromEntries(
    Object.entries({ specversion: '1.0', id: '1', source: '/shop', type: 'order.shipped', ...more }).map(
      ([name, value]) => [prefix + name, value],
    ),
  );

describe('structured mode', () => {
  test.each([
    'application/cloudevents+json',
    'Application/CloudEvents+JSON; charset=UTF-8',
    'application/json',
    'application/json ; charset=utf-8',
    undefined,
  ])('reads content type %s', (contentType) => {
    expect(read(body, contentType)).toEqual({ ok: true, value: { event: envelope, envelope } });
  });

  test('is what the content type says, whatever stands beside the body', () => {
    const headers = attributes('ce-', { id: '9' });
    expect(read(body, 'application/cloudevents+json', headers)).toMatchObject({
      ok: true,
      value: { event: { id: '1', data: { a: 1 } } },
    });
    // One that says so by mistake, and was taken before.
    expect(read('{"a":2}', 'application/cloudevents+json', headers)).toMatchObject({
      ok: true,
      value: { event: { id: '9', data: { a: 2 } } },
    });
  });

  test.each(['text/plain', 'application/cloudevents-batch+json', 'application/octet-stream', ''])(
    'refuses content type %j',
    (contentType) => {
      expect(read(body, contentType)).toMatchObject({
        ok: false,
        refusal: { code: 'unsupported_media_type', message: expect.stringContaining('cloudevents+json') },
      });
    },
  );

  test('does not take other headers for attributes', () => {
    const headers = { 'x-death': [{ count: 1 }], CC: 'order.#', cloudEventsid: '2', 'cloudEvents:': '3' };
    expect(read(body, undefined, headers)).toMatchObject({ ok: true, value: { event: { id: '1' } } });
  });

  test('refuses a body that is not JSON', () => {
    expect(read('hello')).toMatchObject({ refusal: { code: 'not_json' } });
    expect(read(Buffer.of(0xff))).toMatchObject({ refusal: { code: 'not_json' } });
  });
});

describe('binary mode', () => {
  test.each(['cloudEvents:', 'cloudEvents_', 'ce-'])('reads headers that begin with %s', (prefix) => {
    expect(
      read('{"a":1}', 'application/json', attributes(prefix, { audience: 'user:1, user:2' })),
    ).toMatchObject({
      ok: true,
      value: {
        event: {
          id: '1',
          source: '/shop',
          type: 'order.shipped',
          datacontenttype: 'application/json',
          audience: ['user:1', 'user:2'],
          data: { a: 1 },
        },
      },
    });
  });

  test('reads an AMQP array as the audience', () => {
    const headers = attributes('cloudEvents:', { audience: ['user:1', 'global'] });
    expect(read('', undefined, headers)).toMatchObject({
      ok: true,
      value: { event: { audience: ['user:1', 'global'] } },
    });
  });

  test('reads an AMQP timestamp as the time', () => {
    const timestamp = { '!': 'timestamp', value: 1_767_225_600 };
    const headers = attributes('cloudEvents:', { time: timestamp, expirytime: timestamp });
    expect(read('', undefined, headers)).toMatchObject({
      ok: true,
      value: { event: { time: '2026-01-01T00:00:00.000Z', expirytime: '2026-01-01T00:00:00.000Z' } },
    });
  });

  test.each([
    ['out of every calendar', { '!': 'timestamp', value: 1e18 }],
    ['beyond the year 9999', { '!': 'timestamp', value: 1e15 }],
    ['beyond the year 9999, as milliseconds', 1e15],
    ['a fraction', 1_767_225_600_000.5],
    ['of no number', Number.NaN],
    ['of another type', { '!': 'decimal', value: { places: 1, digits: 5 } }],
    ['a number that can only be seconds', 1_767_225_600],
  ])('refuses a time that is %s, without throwing', (_name, time) => {
    expect(read('', undefined, attributes('cloudEvents:', { time }))).toMatchObject({
      refusal: { code: 'invalid_event', path: 'time' },
    });
  });

  test.each([
    ['milliseconds', 1_767_225_600_123, '2026-01-01T00:00:00.123Z'],
    [
      'a timestamp in milliseconds',
      { '!': 'timestamp', value: 1_767_225_600_123 },
      '2026-01-01T00:00:00.123Z',
    ],
    ['text', '2026-01-01T00:00:00+00:00', '2026-01-01T00:00:00+00:00'],
  ])('reads %s as the time', (_name, time, expected) => {
    const headers = attributes('cloudEvents_', { time, expirytime: time });
    expect(read('', undefined, headers)).toMatchObject({
      ok: true,
      value: { event: { time: expected, expirytime: expected } },
    });
  });

  test.each([
    [1_767_225_600, '2026-01-01T00:00:00.000Z'],
    [1_767_225_600_123, '2026-01-01T00:00:00.123Z'],
    [undefined, undefined],
    [1.5, undefined],
    [1e18, undefined],
  ])("takes the message's own timestamp %d where the event has no time", (timestamp, time) => {
    const readAt = (headers: Headers) => {
      const message = readMessage(Buffer.from(''), { contentType: undefined, headers, timestamp }, MAX_BYTES);
      return message.ok ? message.value.event.time : message;
    };
    expect(readAt(attributes('ce-'))).toBe(time);
    expect(readAt(attributes('ce-', { time: '2020-01-01T00:00:00Z' }))).toBe('2020-01-01T00:00:00Z');
    const structured = readMessage(body, { contentType: undefined, headers: {}, timestamp }, MAX_BYTES);
    expect(structured.ok && structured.value.event).not.toHaveProperty('time');
  });

  test('two prefixes may say the same, and not different things', () => {
    const audience = ['user:1', 'global'];
    const twice = {
      ...attributes('ce-', { audience }),
      ...attributes('cloudEvents:', { audience: [...audience] }),
    };
    expect(read('{}', undefined, twice)).toMatchObject({ ok: true, value: { event: { id: '1', audience } } });
    expect(read('{}', undefined, { ...twice, cloudEvents_id: '2' })).toEqual({
      ok: false,
      refusal: {
        code: 'invalid_event',
        message: 'id is there as cloudEvents_id and with another prefix, and they differ: send one of them',
        path: 'id',
      },
    });
  });

  test.each([
    'application/cloudevents-batch+json',
    'application/cloudevents+avro',
    'application/CloudEvents+protobuf',
  ])('refuses %s, which is no data of an event', (contentType) => {
    expect(read('[]', contentType, attributes('ce-'))).toMatchObject({
      refusal: { code: 'unsupported_media_type', message: expect.stringContaining('cloudevents+json') },
    });
  });

  test('says that a batch is taken elsewhere', () => {
    expect(read('[]', 'application/cloudevents-batch+json', attributes('ce-'))).toMatchObject({
      refusal: { message: expect.stringContaining('a batch is taken over HTTP only') },
    });
  });

  test('needs every required attribute among the headers, whatever the body says', () => {
    expect(read(body, 'application/json', { 'cloudEvents:id': '9' })).toMatchObject({
      refusal: { code: 'invalid_event', path: 'specversion' },
    });
  });

  test('takes a body of another type than JSON as bytes, whatever they look like', () => {
    expect(read('{}', 'text/plain', attributes('cloudEvents:'))).toMatchObject({
      ok: true,
      value: { event: { datacontenttype: 'text/plain', data_base64: 'e30=' } },
    });
    expect(read('hello', undefined, attributes('cloudEvents:'))).toMatchObject({
      refusal: { code: 'not_json' },
    });
  });

  test('a header named __proto__ pollutes nothing', () => {
    const headers = { ...attributes('cloudEvents:'), 'cloudEvents:__proto__': { polluted: true } };
    expect(read('{}', undefined, headers).ok).toBe(true);
    expect('polluted' in {}).toBe(false);
  });

  // A table among the headers escapes both the depth bound and EVENT_MAX_BYTES, which judge the body only.
  test('headers named data and data_base64 are not the data', () => {
    const headers = attributes('cloudEvents:', { data: { from: 'a header' }, data_base64: 'aGVhZGVy' });
    const message = read('', undefined, headers);
    expect(message.ok && message.value.event).not.toHaveProperty('data');
    expect(message.ok && message.value.event).not.toHaveProperty('data_base64');
  });
});

test('refuses a body above the bound, whatever is in it, and takes one at the bound', () => {
  const properties = { contentType: undefined, headers: undefined };
  expect(readMessage(body, properties, body.length).ok).toBe(true);
  expect(readMessage(body, properties, body.length - 1)).toEqual({
    ok: false,
    refusal: { code: 'too_large', message: `${body.length} bytes are more than ${body.length - 1}` },
  });
  expect(readMessage(Buffer.from('x'.repeat(10)), properties, 9)).toMatchObject({
    refusal: { code: 'too_large' },
  });
});

test('a traceparent header longer than the attribute may be is no trace', () => {
  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const traceOf = (traceparent: string) => {
    const message = read(body, undefined, { traceparent });
    return message.ok && message.value.event.traceparent;
  };
  expect(traceOf(trace)).toBe(trace);
  expect(traceOf(`${trace}-${'x'.repeat(60_000)}`)).toBeUndefined();
});
