/** Timestamps are those of RFC 3339: all of them, and no others. */
import { expect, test } from 'vitest';
import { readEnvelope } from '../../../src/contract/cloudevent.ts';
import { momentOf } from '../../../src/contract/rfc3339.ts';

test.for([
  ['2026-11-20T09:00:00Z', '2026-11-20T09:00:00.000Z'],
  ['2026-11-20t09:00:00z', '2026-11-20T09:00:00.000Z'],
  ['2026-11-20T09:00:00-00:00', '2026-11-20T09:00:00.000Z'],
  ['2026-11-20T09:00:00+23:59', '2026-11-19T09:01:00.000Z'],
  ['2026-11-20T09:00:00.1Z', '2026-11-20T09:00:00.100Z'],
  [`2026-11-20T09:00:00.123456789${'0'.repeat(100)}z`, '2026-11-20T09:00:00.123Z'],
  ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
  ['2016-12-31T15:59:60.250-08:00', '2017-01-01T00:00:00.250Z'],
  ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
  ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
  ['0099-12-31T23:59:59Z', '0099-12-31T23:59:59.000Z'],
])('%s is a moment', ([text = '', moment = '']) => {
  expect(new Date(momentOf(text)).toISOString()).toBe(moment);
  const event = { specversion: '1.0', id: '1', source: '/x', type: 'x', audience: 'global', data: {} };
  const read = readEnvelope({ ...event, time: text, expirytime: text });
  expect(read).toMatchObject({ ok: true, value: { event: { time: text, expirytime: text } } });
});

test.for([
  '2026-02-30T00:00:00Z',
  '2025-02-29T00:00:00Z',
  '2026-04-31T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-00-01T00:00:00Z',
  '2026-01-00T00:00:00Z',
  '2026-11-20T24:00:00Z',
  '2026-11-20T09:60:00Z',
  '2026-11-20T09:00:61Z',
  '2026-11-20T22:59:60Z',
  '2016-12-31T23:59:60-08:00',
  '2026-11-20T09:00:00',
  '2026-11-20 09:00:00Z',
  '2026-11-20T09:00Z',
  '2026-11-20T09:00:00.Z',
  '2026-11-20T09:00:00,5Z',
  '2026-11-20T09:00:00+24:00',
  '2026-11-20T09:00:00+01:60',
  '2026-11-20T09:00:00+0100',
  '20261120T090000Z',
  '12026-11-20T09:00:00Z',
  ' 2026-11-20T09:00:00Z',
  '2026-11-20T09:00:00Z\n',
  '',
])('%j is none, and the answer shows one', (text) => {
  expect(momentOf(text)).toBeNaN();
  const event = { specversion: '1.0', id: '1', source: '/x', type: 'x', time: text };
  expect(readEnvelope(event)).toMatchObject({
    ok: false,
    refusal: {
      code: 'invalid_event',
      path: 'time',
      message: expect.stringContaining('2026-11-20T09:00:00Z'),
    },
  });
});
