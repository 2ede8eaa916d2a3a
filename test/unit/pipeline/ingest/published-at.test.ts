/** When an event was published, and that no header makes it something else than a moment. */
import { expect, test } from 'vitest';
import { publishedAtOf } from '../../../../src/pipeline/ingest/published-at.ts';

const time = '2026-11-20T09:00:00.250Z';
const atMs = Date.parse(time);

test.each<[string, Record<string, unknown> | undefined, string | undefined, number | undefined]>([
  ['the header', { timestamp_in_ms: 12 }, undefined, 12],
  ['the header rather than the time', { timestamp_in_ms: 12 }, time, 12],
  ['the time', {}, time, atMs],
  ['the time, with a zone', undefined, '2026-11-20T10:00:00.250+01:00', atMs],
  ['neither', {}, undefined, undefined],
  ['no headers at all', undefined, undefined, undefined],
  ['the largest', { timestamp_in_ms: 9_999_999_999_999 }, undefined, 9_999_999_999_999],
  ['a header that is too large for the live header', { timestamp_in_ms: 1e13 }, undefined, undefined],
  ['a time that is', {}, '9999-12-31T00:00:00Z', undefined],
  ['text', { timestamp_in_ms: '12' }, time, atMs],
  ['a fraction', { timestamp_in_ms: 1.5 }, time, atMs],
  ['negative', { timestamp_in_ms: -1 }, time, atMs],
  ['infinite', { timestamp_in_ms: Number.POSITIVE_INFINITY }, time, atMs],
  ['no number', { timestamp_in_ms: Number.NaN }, time, atMs],
  ['a table', { timestamp_in_ms: { '!': 'timestamp', value: 1 } }, time, atMs],
  ['before 1970', {}, '1969-12-31T23:59:59Z', undefined],
])('%s', (_what, headers, eventTime, expected) => {
  expect(publishedAtOf(headers, eventTime === undefined ? {} : { time: eventTime })).toBe(expected);
});
