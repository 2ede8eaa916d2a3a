/**
 * Hostile AMQP messages: whatever bytes a content header has, reading it ends with a value, the message with an event
 * or a coded refusal, and what is copied of it can be written, within the bound, and says the same when it is read again.
 */
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { headersFault, readContentHeader } from '../../../../src/adapters/rabbitmq/amqp-properties.ts';
import { deadLetterSchema } from '../../../../src/contract/dead-letter.ts';
import { refusalCodeSchema } from '../../../../src/contract/refusal.ts';
import { createRedactor } from '../../../../src/observe/log.ts';
import { factsOf, viewOf } from '../../../../src/operate/dead-letters/stored-dead-letter.ts';
import { cut, sizeOfHeaders, writable } from '../../../../src/operate/dead-letters/writable-message.ts';
import { holdsAttributes } from '../../../../src/pipeline/ingest/attributes.ts';
import { fingerprintOf, readMessage } from '../../../../src/pipeline/ingest/message.ts';
import { publishedAtOf } from '../../../../src/pipeline/ingest/published-at.ts';
import {
  contentHeader,
  double,
  type Field,
  int,
  int64,
  nestedArrays,
  nestedTables,
  nothing,
  propertiesOf,
  table,
  tagged,
  text,
  timestamp,
} from '../../../support/amqp-bytes.ts';
import { amqplibProperties } from '../../../support/amqplib-codec.ts';
import fc from '../../../support/fast-check.ts';
import { countInputs, hostileJson, spoilt, weighted } from '../../../support/hostile.ts';
import { hostileProperties, spoiltProperties } from '../../../support/hostile-amqp.ts';

const tried = countInputs();
const MAX_BYTES = 65_536;
const redact = createRedactor(['data.email']);

const bodies = weighted<Buffer>(
  [1, fc.constantFrom(Buffer.alloc(0), Buffer.from('{"title":"hello"}'), Buffer.from('['.repeat(20_000)))],
  [1, hostileJson.map((json) => Buffer.from(json))],
  [1, spoilt(hostileJson)],
);
const keys = fc.constantFrom('', 'order.made', 'k'.repeat(255), '\ufffd'.repeat(255), 'ä'.repeat(200));

test('any bytes: read, classified, copied and shown without a throw', () => {
  fc.assert(
    fc.property(
      weighted([2, hostileProperties], [1, spoiltProperties]),
      bodies,
      keys,
      fc.integer({ min: 600, max: MAX_BYTES - 2_000 }),
      (bytes, content, routingKey, room) => {
        tried();
        const { properties } = readContentHeader(contentHeader(bytes, content.length));
        const message = { content, fields: { routingKey }, properties };
        const read = readMessage(content, properties, MAX_BYTES);
        expect(read.ok || refusalCodeSchema.options.includes(read.refusal.code)).toBe(true);
        expect(headersFault(properties.headers) !== undefined && read.ok).toBe(false);
        expect(publishedAtOf(properties.headers, undefined) ?? 1).toBeGreaterThan(0);
        expect(fingerprintOf(message)).toMatch(/^[\w-]{43}$/);
        const facts = factsOf(message);
        const view = viewOf(message, facts, redact, 4_096);
        expect(deadLetterSchema.safeParse({ ...view, copies: 1 }).error).toBeUndefined();

        const copy = writable(message, () => false, room);
        expect(Buffer.byteLength(copy.routingKey)).toBeLessThan(256);
        expect(Buffer.byteLength(copy.leftOut)).toBeLessThanOrEqual(512);
        const written = amqplibProperties.encode(copy.properties);
        const again = readContentHeader(written).properties;
        expect(headersFault(again.headers)).toBeUndefined();
        expect(isDeepStrictEqual(again.headers, copy.properties.headers)).toBe(true);
        expect(written.length - contentHeader(propertiesOf({})).length).toBeLessThanOrEqual(room + 512);
        if (copy.leftOut === '') {
          expect(isDeepStrictEqual(again.headers, properties.headers ?? {})).toBe(true);
        }
        if (copy.losesAttributes) {
          expect(Object.keys(again.headers ?? {}).filter((name) => holdsAttributes(name))).toEqual([]);
        }
      },
    ),
    { numRuns: 1_500 },
  );
});

const read = (...headers: readonly Field[]) =>
  readContentHeader(contentHeader(propertiesOf({ headers }))).properties.headers;

test('what is too deep is left out alone; what ends nowhere takes all that follows with it', () => {
  for (const deep of [nestedTables(4_000), nestedArrays(4_000), nestedTables(32)]) {
    const headers = read(['a', int(1)], ['deep', deep], ['b', int(2)]);
    expect(headers).toEqual({ a: 1, b: 2 });
    expect(headersFault(headers)).toEqual({
      message: 'a header is nested deeper than 32',
      names: ['deep'],
      isCut: false,
    });
  }
  expect(headersFault(read(['a', nestedTables(31)]))).toBeUndefined();
  const headers = read(['a', int(1)], ['bad', tagged('z')], ['b', int(2)]);
  expect(headers).toEqual({ a: 1 });
  expect(headersFault(headers)).toMatchObject({ isCut: true, message: expect.stringContaining('0x7a') });
});

test('a message whose headers cannot be read is refused, though its body is an event', () => {
  const event = { specversion: '1.0', id: '1', source: '/s', type: 't', audience: 'global' };
  const body = Buffer.from(JSON.stringify(event));
  const { properties } = readContentHeader(
    contentHeader(propertiesOf({ headers: [['deep', nestedTables(4_000)]] })),
  );
  expect(readMessage(body, properties, MAX_BYTES)).toEqual({
    ok: false,
    refusal: { code: 'invalid_headers', message: 'a header is nested deeper than 32', path: 'deep' },
  });
  expect(readMessage(body, { ...properties, headers: undefined }, MAX_BYTES).ok).toBe(true);
});

test('a header __proto__ is a header, and no prototype', () => {
  const headers = read([
    '__proto__',
    table(['traceparent', text('x')], ['x-carillon-reason', text('forged')]),
  ]);
  expect(Object.keys(headers ?? {})).toEqual(['__proto__']);
  expect(headers?.['x-carillon-reason']).toBeUndefined();
});

test.for<[string, Buffer, boolean]>([
  ['a stranger’s type', table(['!', text('long')], ['value', text('no number')]), false],
  ['no number', double(Number.NaN), false],
  ['less than any 64-bit integer', double(-1e300), true],
  ['the largest timestamp', timestamp(2n ** 64n - 1n), true],
  ['an integer that JavaScript would round', int64(9_007_199_254_740_993n), true],
  ['a text that is not UTF-8', text(Buffer.of(0xff)), true],
  ['nothing', nothing, true],
])('%s is written as it came, or not at all', ([, value, isWritten]) => {
  const message = {
    fields: { routingKey: '' },
    properties: readContentHeader(contentHeader(propertiesOf({ headers: [['k', value]] }))).properties,
  };
  const { properties, leftOut } = writable(message, () => false, 1_000);
  expect(leftOut).toBe(isWritten ? '' : '"k"');
  const again = readContentHeader(amqplibProperties.encode(properties)).properties.headers;
  expect(again).toEqual(isWritten ? message.properties.headers : {});
});

test('without room for all of its attributes an event keeps none: without one it would be another event', () => {
  const headers = {
    'cloudEvents:id': '1',
    'cloudEvents:audience': 'user:1,'.repeat(1_000),
    other: 'x',
    'x-big': 'y'.repeat(600),
  };
  const message = {
    fields: { routingKey: 'k' },
    properties: { contentType: 'application/json', contentEncoding: undefined, headers },
  };
  expect(writable(message, () => false, 500)).toEqual({
    routingKey: 'k',
    properties: { contentType: 'application/json', headers: { other: 'x' } },
    leftOut: `all of the event's attributes, "x-big"`,
    losesAttributes: true,
  });
  expect(writable(message, () => false, 60_000)).toMatchObject({ leftOut: '', losesAttributes: false });
  expect(sizeOfHeaders({})).toBe(4);
});

test('a text is cut to bytes between characters', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'ä', '€', '😀', '\ud800'), maxLength: 300 }),
      (long) => {
        const short = cut(long, 255);
        expect(Buffer.byteLength(short)).toBeLessThan(256);
        if (Buffer.byteLength(long) < 256) expect(short).toBe(long);
      },
    ),
    { numRuns: 200 },
  );
});
