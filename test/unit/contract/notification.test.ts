/** The text that an append completes is always a valid notification, whatever strings the event holds. */
import { describe, expect, test } from 'vitest';
import {
  encodeEvent,
  envelopeIn,
  NOTIFICATION_MIDDLE,
  notificationSchema,
} from '../../../src/contract/notification.ts';
import fc from '../../support/fast-check.ts';
import { anyAudience, anyEvent } from '../pipeline/events.ts';

const receivedAt = new Date('2026-01-01T00:00:00.000Z');
const event = { specversion: '1.0' as const, id: '1', source: '/shop', type: 'order.shipped' };

/** As the append puts the text together. */
function complete(text: { head: string; tail: string }, epoch: string, offset: number): string {
  return `${text.head}${epoch}${NOTIFICATION_MIDDLE}${offset}${text.tail}`;
}

const anyPlace = fc.record({
  epoch: fc.stringMatching(/^[0-9a-f]{1,16}$/),
  offset: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
});

test('is what the event says, for any event, audience and place', () => {
  fc.assert(
    fc.property(anyEvent, anyAudience, anyPlace, (anEvent, audience, { epoch, offset }) => {
      const json = complete(encodeEvent(anEvent, receivedAt)(audience), epoch, offset);
      const { id, source, type, subject, collapsekey, expirytime, traceparent, data_base64 } = anEvent;
      const datacontenttype = anEvent.datacontenttype ?? 'application/octet-stream';
      expect(notificationSchema.parse(JSON.parse(json))).toEqual({
        id,
        source,
        type,
        time: anEvent.time ?? receivedAt.toISOString(),
        severity: anEvent.severity ?? 'info',
        ...(data_base64 === undefined ? { data: anEvent.data ?? {} } : { datacontenttype, data_base64 }),
        audience,
        epoch,
        offset,
        ...(subject === undefined ? {} : { subject }),
        ...(collapsekey === undefined ? {} : { collapsekey }),
        ...(expirytime === undefined ? {} : { expirytime }),
        ...(traceparent === undefined ? {} : { traceparent }),
      });
    }),
  );
});

test('its envelope is all of it but the data or bytes, whatever the strings before that look like', () => {
  const forged = fc.constantFrom(
    ...[',"data":{', '","data":', '\\","data":{"a":1},"x":"', '","datacontenttype":"', ',"data_base64":""'],
  );
  fc.assert(
    fc.property(anyEvent, anyAudience, forged, (anEvent, audience, subject) => {
      const json = complete(encodeEvent({ ...anEvent, subject }, receivedAt)(audience), 'e', 1);
      const { data: _data, datacontenttype: _type, data_base64: _bytes, ...envelope } = JSON.parse(json);
      expect(envelopeIn(json)).toEqual(envelope);
      expect(envelopeIn(json).subject).toBe(subject);
    }),
  );
});

test('holds no line end, so that a header line can stand before it', () => {
  fc.assert(
    fc.property(anyEvent, anyAudience, (anEvent, audience) => {
      expect(complete(encodeEvent(anEvent, receivedAt)(audience), 'e', 1)).not.toMatch(/[\n\r]/);
    }),
  );
});

describe('strings that a careless serialiser gets wrong', () => {
  test.each([
    ['quotes', 'a "quoted" word'],
    ['a backslash at the end', 'C:\\'],
    ['line separators', 'a\u2028b\u2029c\nd\r'],
    ['a lone surrogate', '\ud800'],
    ['a forged place', '","epoch":"f","offset":99,"x":"'],
  ])('%s stay what they are', (_name, text) => {
    const encoded = encodeEvent({ ...event, id: text, subject: text, data: { [text]: text } }, receivedAt);
    const notification = JSON.parse(complete(encoded('global'), 'ab', 7));
    expect(notification).toMatchObject({ id: text, subject: text, epoch: 'ab', offset: 7 });
    expect(notification.data).toEqual({ [text]: text });
  });
});

test('the parts of an event without optional attributes are exactly these', () => {
  expect(complete(encodeEvent(event, receivedAt)('user:42'), '1f', 3)).toBe(
    '{"id":"1","source":"/shop","type":"order.shipped","time":"2026-01-01T00:00:00.000Z",' +
      '"audience":"user:42","epoch":"1f","offset":3,"severity":"info","data":{}}',
  );
});

test('of bytes, their type and they themselves come last', () => {
  const bytes = { ...event, severity: 'info' as const, datacontenttype: 'image/png', data_base64: 'AAEC' };
  expect(complete(encodeEvent(bytes, receivedAt)('user:42'), '1f', 3)).toMatch(
    /"severity":"info","datacontenttype":"image\/png","data_base64":"AAEC"\}$/,
  );
});

test('what its routes show comes last, and no envelope has it', () => {
  const displayJson = '{"title":{"en":"a","database":"b"}}';
  const shown = { severity: 'success', category: 'orders', displayJson } as const;
  const text = complete(encodeEvent(event, receivedAt, false, shown)('user:42'), '1f', 3);
  expect(text).toMatch(/"severity":"success","category":"orders","data":\{\},"display":\{"title":.*\}\}$/);
  expect(envelopeIn(text)).toMatchObject({ id: '1', offset: 3, severity: 'success', category: 'orders' });
  expect(Object.keys(envelopeIn(text))).not.toContain('display');
  const own = { ...event, severity: 'warning' as const, category: 'own' };
  expect(complete(encodeEvent(own, receivedAt, false, shown)('user:42'), '1f', 3)).toContain(
    '"severity":"warning","category":"own",',
  );
});

test('what is not for clients is left out', () => {
  const full = { ...event, audience: ['user:1' as const], datacontenttype: 'application/json' };
  const notification = JSON.parse(complete(encodeEvent(full, receivedAt)('user:1'), '1f', 3));
  expect(Object.keys(notification)).not.toContain('datacontenttype');
  expect(Object.keys(notification)).not.toContain('specversion');
});
