/** AMQP 1.0 sections: what a client of it encodes is read, as itself, and bytes that are none are refused without throwing. */
import { message, types } from 'rhea';
import { describe, expect, test } from 'vitest';
import {
  APP_PROPERTIES_HEADER,
  readAppProperties,
  readEncodedBody,
} from '../../../../src/adapters/rabbitmq/amqp10-sections.ts';
import { fingerprintOf, readMessage } from '../../../../src/pipeline/ingest/message.ts';
import { appPropertiesOf, bodySectionsOf, dataOf } from '../../../support/amqp10.ts';
import fc from '../../../support/fast-check.ts';

const read = (properties: Record<string, unknown>) => {
  const entries = readAppProperties(appPropertiesOf(properties));
  return entries === undefined ? undefined : Object.fromEntries(entries);
};

describe('application properties', () => {
  test('of every simple type', () => {
    const bytes = Buffer.of(1, 2, 255);
    expect(
      read({
        short: 'text',
        long: 'ü'.repeat(300),
        symbol: types.wrap_symbol('symbol'),
        nothing: null,
        yes: true,
        no: types.wrap_boolean(false),
        ubyte: types.wrap_ubyte(200),
        ushort: types.wrap_ushort(60_000),
        zero: types.wrap_uint(0),
        small: types.wrap_uint(7),
        uint: types.wrap_uint(4_000_000_000),
        smallUlong: types.wrap_ulong(7),
        ulong: types.wrap_ulong(2 ** 40),
        byte: types.wrap_byte(-5),
        int: types.wrap_int(-70_000),
        smallLong: types.wrap_long(-7),
        time: types.wrap_timestamp(1_763_629_200_123),
        double: types.wrap_double(1.5),
        float: types.wrap_float(-0.5),
        binary: types.wrap_binary(bytes),
      }),
    ).toEqual({
      short: 'text',
      long: 'ü'.repeat(300),
      symbol: 'symbol',
      nothing: null,
      yes: true,
      no: false,
      ubyte: 200,
      ushort: 60_000,
      zero: 0,
      small: 7,
      uint: 4_000_000_000,
      smallUlong: 7,
      ulong: 2 ** 40,
      byte: -5,
      int: -70_000,
      smallLong: -7,
      time: '2025-11-20T09:00:00.123Z',
      double: 1.5,
      float: -0.5,
      binary: bytes,
    });
  });

  test('whatever their texts are', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme', maxLength: 400 })),
        (texts) => {
          expect(new Map(readAppProperties(appPropertiesOf(texts)))).toEqual(new Map(Object.entries(texts)));
        },
      ),
    );
  });

  test('of which a part is missing or changed: undefined, or others, and never an error', () => {
    const whole = appPropertiesOf({ 'ce-id': '1', 'ce-time': types.wrap_timestamp(1), x: 'ü'.repeat(300) });
    for (let end = 0; end < whole.length; end += 1) {
      expect(readAppProperties(whole.subarray(0, end)) ?? []).toEqual([]);
    }
    fc.assert(
      fc.property(
        fc.nat(whole.length - 1),
        fc.nat(255),
        fc.uint8Array({ maxLength: 20 }),
        (at, byte, more) => {
          const changed = Buffer.concat([whole, more]);
          changed[at] = byte;
          const entries = readAppProperties(changed);
          expect(entries === undefined || entries.length < whole.length).toBe(true);
          readEncodedBody(changed);
          readAppProperties(Buffer.from(more));
          readEncodedBody(Buffer.from(more));
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test('that cannot be read are refused, and the reason names them', () => {
    const headers = { [APP_PROPERTIES_HEADER]: 'no section' };
    expect(readMessage(Buffer.from('{}'), { contentType: undefined, headers }, 1_000)).toEqual({
      ok: false,
      refusal: {
        code: 'invalid_headers',
        message: 'the AMQP 1.0 application properties cannot be read',
        path: APP_PROPERTIES_HEADER,
      },
    });
  });

  test('tell two messages apart', () => {
    const of = (header: unknown) =>
      fingerprintOf({
        content: Buffer.from('{}'),
        fields: { routingKey: 'k' },
        properties: { headers: { [APP_PROPERTIES_HEADER]: header } },
      });
    const one = appPropertiesOf({ 'ce-id': '1' });
    expect(of(one)).toBe(of(Buffer.from(one)));
    expect(of(one)).not.toBe(of(appPropertiesOf({ 'ce-id': '2' })));
  });
});

describe('a body', () => {
  const bodyOf = (body: unknown) => readEncodedBody(bodySectionsOf(body))?.toString();

  test.for<[string, unknown, string | undefined]>([
    ['of data', dataOf('{"a":1}'), '{"a":1}'],
    ['of long data', dataOf('x'.repeat(70_000)), 'x'.repeat(70_000)],
    [
      'of several sections of data',
      message.data_sections([Buffer.from('{"a"'), Buffer.from(':1}')]),
      '{"a":1}',
    ],
    ['of text', '{"a":1}', '{"a":1}'],
    ['of bytes', types.wrap_binary(Buffer.from('{}')), '{}'],
    ['of a number', 7, undefined],
    ['of a map', { a: 1 }, undefined],
    ['of a sequence', message.sequence_section([1, 2]), undefined],
  ])('%s', ([, body, expected]) => {
    expect(bodyOf(body)).toBe(expected);
  });
});
