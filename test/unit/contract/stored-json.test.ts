/** What is stored as JSON is read in the form that it has to have, or not at all. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { readStored } from '../../../src/contract/json.ts';
import { envelopeIn, eventOfPacket, parseNotification } from '../../../src/contract/notification.ts';

const form = z.object({ user: z.string() });

test.each<[string | Uint8Array, unknown]>([
  ['{"user":"a","newer":1}', { user: 'a' }],
  [Buffer.from('{"user":"ü"}'), { user: 'ü' }],
  ['{"user":1}', undefined],
  ['null', undefined],
  ['{', undefined],
  ['', undefined],
  [Buffer.from([0x22, 0xff, 0x22]), undefined],
  [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, undefined],
])('%s', (json, expected) => {
  expect(readStored(form, json)).toEqual(expected);
});

const event = { id: '1', source: '/s', type: 't' };

test('a notification in a log is one, or it is a fault that says so', () => {
  const json = JSON.stringify({ ...event, severity: 'info', data: { id: 2 } });
  expect(parseNotification(json)).toEqual(JSON.parse(json));
  expect(envelopeIn(json)).toEqual({ ...event, severity: 'info' });
  for (const other of ['null', '[]', '{}', '{"id":1,"source":"/s","type":"t"}'])
    expect(() => parseNotification(other)).toThrow('a log holds something else than a notification');
});

test('the event of a packet, whoever has written it', () => {
  const packet = (...content: readonly unknown[]) => `42${JSON.stringify(content)}`;
  expect(eventOfPacket(packet('notification', { ...event, data: {} }))).toEqual(event);
  expect(eventOfPacket(packet('notification', { ...event, traceparent: '00' }))?.traceparent).toBe('00');
  for (const other of [
    '',
    '42',
    '42[]',
    packet('marks', event),
    packet('notification', null),
    packet('notification', { id: 1 }),
  ])
    expect(eventOfPacket(other)).toBeUndefined();
});
