/** Live messages: what is published comes back byte for byte, and foreign bytes are left to the adapter. */
import { describe, expect, test } from 'vitest';
import {
  decodeLiveMessage,
  encodeLiveMessage,
  eventIn,
  MAX_PUBLISHED_AT_MS,
  packetOf,
} from '../../../../src/pipeline/inbox/live-message.ts';
import fc from '../../../support/fast-check.ts';

const anyMessage = fc.record({
  epoch: fc.stringMatching(/^[0-9a-f]{1,16}$/),
  offset: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  sampled: fc.boolean(),
  published: fc.option(fc.record({ publishedAtMs: fc.nat({ max: MAX_PUBLISHED_AT_MS }) }), { nil: {} }),
  traced: fc.boolean(),
  json: fc
    .dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }))
    .map((value) => JSON.stringify(value)),
});

test('an encoded message decodes to the same place, flag and packet', () => {
  fc.assert(
    fc.property(anyMessage, ({ epoch, offset, sampled, published, traced, json }) => {
      expect(
        decodeLiveMessage(encodeLiveMessage({ epoch, offset, sampled, traced, ...published, json })),
      ).toEqual({
        epoch,
        offset,
        sampled,
        traced,
        ...published,
        packet: packetOf(json),
      });
    }),
  );
});

test('the form is the one that is documented', () => {
  const message = { epoch: '1f', offset: 7, json: '{"id":"ü"}' };
  expect(encodeLiveMessage({ ...message, sampled: true }).toString()).toBe(
    'C1 1f 7 s\n42["notification",{"id":"ü"}]',
  );
  expect(encodeLiveMessage({ ...message, sampled: true, traced: true }).toString()).toBe(
    'C1 1f 7 st\n42["notification",{"id":"ü"}]',
  );
  expect(encodeLiveMessage({ ...message, sampled: false }).toString()).toBe(
    'C1 1f 7 \n42["notification",{"id":"ü"}]',
  );
});

test('when its event was published stands behind the flags, also when there are none', () => {
  const message = { epoch: '1f', offset: 7, json: '{}', publishedAtMs: 1_795_000_000_123 };
  const encoded = encodeLiveMessage({ ...message, sampled: false });
  expect(encoded.toString()).toBe('C1 1f 7  1795000000123\n42["notification",{}]');
  expect(decodeLiveMessage(encoded)).toMatchObject({ sampled: false, publishedAtMs: 1_795_000_000_123 });
});

test('the longest header has room', () => {
  const message = { epoch: 'f'.repeat(16), offset: Number.MAX_SAFE_INTEGER, sampled: true, traced: true };
  const encoded = encodeLiveMessage({ ...message, json: '{}', publishedAtMs: MAX_PUBLISHED_AT_MS });
  expect(decodeLiveMessage(encoded)).toMatchObject({ ...message, publishedAtMs: MAX_PUBLISHED_AT_MS });
});

test('a header of an older or a later version is read', () => {
  const message = { epoch: '1f', offset: 7 };
  expect(decodeLiveMessage(Buffer.from('C1 1f 7 s\n42[]'))).toMatchObject({
    ...message,
    publishedAtMs: undefined,
  });
  expect(decodeLiveMessage(Buffer.from('C1 1f 7 s 12 more\n42[]'))).toMatchObject({
    ...message,
    publishedAtMs: 12,
  });
});

test('flags of a later version are passed over', () => {
  expect(decodeLiveMessage(Buffer.from('C1 1f 7 xsy\n42[]'))).toMatchObject({ sampled: true, offset: 7 });
  expect(decodeLiveMessage(Buffer.from('C1 1f 7 xy\n42[]'))).toMatchObject({ sampled: false, offset: 7 });
});

test('only the first line end ends the header', () => {
  expect(decodeLiveMessage(Buffer.from('C1 1f 7 \n42["a\nb"]'))?.packet.toString()).toBe('42["a\nb"]');
});

describe('bytes that are not ours', () => {
  test.each([
    ['JSON of the adapter', Buffer.from('{"uid":"a","type":1,"data":{"rooms":["C1 "]}}')],
    // MessagePack: a map of three, as the adapter sends packets with binary content.
    ['MessagePack of the adapter', Buffer.from('83a3756964a161a47479706503a46461746180', 'hex')],
    ['MessagePack with a large map', Buffer.from('de00110a', 'hex')],
    ['nothing', Buffer.alloc(0)],
    ['the first letter of the prefix', Buffer.from('C')],
    ['the prefix alone', Buffer.from('C1 ')],
    ['a header without its end', Buffer.from('C1 1f 7 s')],
    ['a header without flags', Buffer.from('C1 1f 7\n42[]')],
    ['a header without a place', Buffer.from('C1 \n42[]')],
    ['lower case', Buffer.from('c1 1f 7 s\n42[]')],
  ])('%s gives undefined', (_name, bytes) => {
    expect(decodeLiveMessage(bytes)).toBeUndefined();
  });

  test('a header longer than its bound gives undefined; one at the bound is read', () => {
    const withHeader = (bytes: number) => Buffer.from(`${'C1 1f 7 s'.padEnd(bytes - 1, 'x')}\n42[]`);
    expect(decodeLiveMessage(withHeader(64))).toMatchObject({ offset: 7, packet: Buffer.from('42[]') });
    expect(decodeLiveMessage(withHeader(65))).toBeUndefined();
  });

  test('random bytes and MessagePack-like bytes give undefined', () => {
    const first = fc.oneof(
      fc.integer({ min: 0x80, max: 0x8f }),
      fc.constantFrom(0x7b, 0xde, 0xdf),
      fc.nat(255),
    );
    fc.assert(
      fc.property(first, fc.uint8Array({ maxLength: 100 }), (byte, rest) => {
        fc.pre(byte !== 0x43 || rest[0] !== 0x31);
        expect(decodeLiveMessage(Buffer.from([byte, ...rest]))).toBeUndefined();
      }),
    );
  });

  test('nothing that begins like ours makes it throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (rest) => {
        const decoded = decodeLiveMessage(Buffer.concat([Buffer.from('C1 '), rest]));
        if (decoded !== undefined) expect(rest).toContain(0x0a);
      }),
    );
  });
});

test('a packet tells which event it carries, whatever the names are made of, and nothing else', () => {
  const name = fc.string({ unit: fc.constantFrom('"', '\\', ',', ':', 'type', 'source', 'ü') });
  const anyEvent = fc.record({ id: name, source: name, type: name, time: fc.constantFrom('1', '2') });
  const eventOf = (event: object) => eventIn(packetOf(JSON.stringify(event)));
  fc.assert(
    fc.property(anyEvent, anyEvent, (a, b) => {
      expect(eventOf(a) === eventOf(b)).toBe(a.id === b.id && a.source === b.source);
      expect(eventOf(a)).toBe(eventOf({ ...a, type: 'other', data: b }));
    }),
  );
  expect(eventIn(packetOf('{}'))).toBeUndefined();
});
