/** Events that have bytes in place of data: bytes in are bytes out, and what is refused, with its code and place. */
import { describe, expect, test } from 'vitest';
import { bytesOf } from '../../../../src/clients/client/connect.ts';
import { withData } from '../../../../src/clients/client/notification.ts';
import {
  type ReadEvent,
  readBinary,
  readEnvelope,
  readStructured,
} from '../../../../src/contract/cloudevent.ts';
import {
  encodeEvent,
  NOTIFICATION_MIDDLE,
  notificationSchema,
} from '../../../../src/contract/notification.ts';
import type { Read } from '../../../../src/contract/refusal.ts';
import { createRedactor } from '../../../../src/observe/log.ts';
import { readMessage } from '../../../../src/pipeline/ingest/message.ts';
import { audiencesOf } from '../../../../src/pipeline/routing/route.ts';
import { parseRoutes } from '../../../../src/pipeline/routing/routes-file.ts';
import fc from '../../../support/fast-check.ts';

const minimal = { specversion: '1.0', id: '1', source: '/shop', type: 'scan.made' };
const amqpHeaders = Object.fromEntries(
  Object.entries(minimal).map(([name, value]) => [`cloudEvents:${name}`, value]),
);
const base64Of = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

/** As a client gets it. */
function notificationOf(read: Read<ReadEvent>) {
  if (!read.ok) throw new Error(JSON.stringify(read.refusal));
  const { head, tail } = encodeEvent(read.value.event, new Date(0))('user:1');
  return notificationSchema.parse(JSON.parse(`${head}e${NOTIFICATION_MIDDLE}1${tail}`));
}

/** Every way for bytes to come. */
const ways: Readonly<Record<string, (bytes: Uint8Array, type: string) => Read<ReadEvent>>> = {
  structured: (bytes, datacontenttype) =>
    readStructured(
      Buffer.from(JSON.stringify({ ...minimal, datacontenttype, data_base64: base64Of(bytes) })),
    ),
  'binary over AMQP': (bytes, contentType) =>
    readMessage(Buffer.from(bytes), { contentType, headers: amqpHeaders }, 65_536),
  // As headers over HTTP give it, and once more as it goes on from there to RabbitMQ.
  'binary over HTTP': (bytes, contentType) => {
    const read = readBinary(minimal, contentType, bytes);
    return read.ok ? readStructured(Buffer.from(JSON.stringify(read.value.envelope))) : read;
  },
};

describe.for(Object.entries(ways))('%s', ([, way]) => {
  test('bytes in are bytes out, none among them', () => {
    const anyType = fc.constantFrom(
      'image/png',
      'text/plain; charset=utf-8',
      'application/x-protobuf',
      'a/b',
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), anyType, (bytes, type) => {
        const notification = notificationOf(way(bytes, type));
        expect(bytesOf(notification)).toEqual(Uint8Array.from(bytes));
        expect(notification.datacontenttype).toBe(type);
        expect(notification).not.toHaveProperty('data');
      }),
    );
  });

  test('a type that could leave its place is refused', () => {
    for (const type of [
      'png',
      'image/',
      'image/png\n',
      'image/p ng',
      'image/png; a="\u00e9"',
      `a/${'b'.repeat(255)}`,
    ])
      expect(way(Uint8Array.of(1), type)).toMatchObject({
        ok: false,
        refusal: { code: 'invalid_event', path: 'datacontenttype' },
      });
  });
});

test('JSON in base64 stays bytes: nobody asked to have it read', () => {
  const datacontenttype = 'application/json';
  const notification = notificationOf(readEnvelope({ ...minimal, datacontenttype, data_base64: 'e30=' }));
  expect(notification).toMatchObject({ datacontenttype, data_base64: 'e30=' });
  expect(notification).not.toHaveProperty('data');
});

test('bytes that nobody has named a type of are application/octet-stream', () => {
  const { datacontenttype } = notificationOf(readEnvelope({ ...minimal, data_base64: 'AA==' }));
  expect(datacontenttype).toBe('application/octet-stream');
});

test.for<[string, object, string]>([
  ['not base64', { data_base64: 'caf\u00e9' }, 'data_base64'],
  ['without padding', { data_base64: 'AA' }, 'data_base64'],
  ['with too much padding', { data_base64: 'A===' }, 'data_base64'],
  ['with the letters of base64url', { data_base64: '-_-_' }, 'data_base64'],
  ['broken into lines', { data_base64: 'AAAA\nAAAA' }, 'data_base64'],
  ['a list of numbers', { data_base64: [1, 2] }, 'data_base64'],
  ['null', { data_base64: null }, 'data_base64'],
  ['beside data', { data_base64: 'AAEC', data: {} }, 'data_base64'],
  ['text where JSON is expected', { datacontenttype: 'text/plain', data: {} }, 'datacontenttype'],
  ['a type of nothing', { datacontenttype: 'image/png' }, 'datacontenttype'],
  ['a retraction of nothing', { type: 'carillon.retract', data_base64: 'AAEC' }, 'data.id'],
])('%s is refused', ([, own, path]) => {
  expect(readEnvelope({ ...minimal, ...own })).toEqual({
    ok: false,
    refusal: { code: 'invalid_event', message: expect.any(String), path },
  });
});

test('no text is both accepted and unreadable for a client', () => {
  const nearly = fc
    .array(fc.constantFrom('A', 'Zz', '9+/', '=', '==', '-', ' ', '\u00e9'))
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.oneof(nearly, fc.string()), (data_base64) => {
      const read = readEnvelope({ ...minimal, data_base64 });
      if (!read.ok) expect(read.refusal).toMatchObject({ code: 'invalid_event', path: 'data_base64' });
      else expect(bytesOf(notificationOf(read))).toEqual(Uint8Array.from(Buffer.from(data_base64, 'base64')));
    }),
  );
});

test('a route that needs data refuses an event that has bytes, and one that does not takes it', () => {
  const routes =
    'routes:\n  - {type: scan.made, audience: ["user:{data.customerId}"]}\n  - {type: "scan.#", audience: [global]}\n';
  const read = readEnvelope({ ...minimal, data_base64: 'AAEC' });
  const mapped = (type: string) =>
    read.ok && audiencesOf({ ...read.value.event, type }, parseRoutes(routes, 'routes.yaml'), 10);
  expect(mapped('scan.made')).toMatchObject({ refusal: { code: 'invalid_event', path: 'data.customerId' } });
  expect(mapped('scan.sent')).toMatchObject({ ok: true, value: [{ audience: 'global' }] });
});

test('an app finds no data where there are bytes, and what there is otherwise', () => {
  const notification = notificationOf(readEnvelope({ ...minimal, data_base64: 'AAEC' }));
  expect(withData(notification)).toEqual({ ...notification, data: {} });
  const other = notificationOf(readEnvelope({ ...minimal, data: { title: 'Scan' } }));
  expect(withData(other)).toEqual(other);
  expect(bytesOf(other)).toBeUndefined();
});

test('bytes are neither logged nor shown to operators: what must not be seen could be in them', () => {
  expect(createRedactor([])({ ...minimal, data_base64: 'c2VjcmV0' })).not.toContain('c2VjcmV0');
});
