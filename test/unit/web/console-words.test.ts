/** States, numbers and recoveries of the console in words, and what of a notification is shown. */
import { describe, expect, test } from 'vitest';
import type { ConnectionState } from '../../../src/clients/client/connect.ts';
import { linkOf, shownOf } from '../../../web/console/devices/notification-text.ts';
import { recoveryInWords } from '../../../web/console/devices/recovery-words.ts';
import {
  ago,
  bytes,
  connectionInWords,
  duration,
  milliseconds,
  moment,
  plural,
  secondsUntil,
} from '../../../web/console/words.ts';

test.each<[ConnectionState, string, string]>([
  [{ status: 'connected' }, 'good', 'Connected'],
  [{ status: 'connecting' }, 'busy', 'Connecting …'],
  [{ status: 'waiting', retryAt: 5_000, reason: 'connection_lost' }, 'bad', 'No connection, next try in 4 s'],
  [{ status: 'waiting', retryAt: 900, reason: 'unauthorized' }, 'bad', 'Token refused, next try in 1 s'],
  [{ status: 'closed', reason: 'closed' }, 'off', 'Closed'],
  [{ status: 'closed', reason: 'token_revoked' }, 'off', 'Closed: Token revoked'],
])('%j is told as %s: %s', (state, tone, text) => {
  expect(connectionInWords(state, 1_000)).toEqual({ tone, text });
});

test('what was missed is told as it was', () => {
  const done = { status: 'done', isComplete: true } as const;
  expect(recoveryInWords({ ...done, count: 7 })).toBe('7 missed, all recovered');
  expect(recoveryInWords({ ...done, count: 1 })).toBe('1 missed, recovered');
  expect(recoveryInWords({ ...done, count: 0 })).toBe('Nothing was missed');
  expect(recoveryInWords({ ...done, count: 7, isComplete: false })).toMatch(/^7 recovered, others may not/);
  expect(recoveryInWords({ ...done, count: 0, isComplete: false })).toMatch(/began anew/);
  expect(recoveryInWords({ ...done, status: 'asking', count: 0 })).toBe('Asking what was missed …');
});

describe('times', () => {
  test.each([
    [0, '<1 ms'],
    [4, '4 ms'],
    [12_500, '12.5 s'],
    [60_000, '1 min'],
    [200_000, '3 min 20 s'],
    [7_500_000, '2 h 5 min'],
    [7_200_000, '2 h'],
    [273_600_000, '3 d 4 h'],
  ])('%i ms are %s', (ms, words) => {
    expect(duration(ms)).toBe(words);
  });

  test('how long ago is counted in the largest whole unit', () => {
    expect([999, 1_000, 59_999, 61_000, 7_300_000].map((ms) => ago(0, ms))).toEqual([
      'just now',
      '1 s ago',
      '59 s ago',
      '1 min ago',
      '2 h ago',
    ]);
  });

  test('a moment has its day unless that is today, and what is none has no words', () => {
    const now = new Date(2026, 10, 28, 3, 0, 0).getTime();
    expect(moment(new Date(2026, 10, 28, 2, 14, 5).getTime(), now)).toBe('02:14:05');
    expect(moment(new Date(2026, 10, 27, 23, 59, 59).getTime(), now)).toBe('27 Nov, 23:59:59');
    expect(moment(new Date(2025, 10, 28, 2, 14, 5).getTime(), now)).toBe('28 Nov 2025, 02:14:05');
    expect(moment('soon', now)).toBe('');
  });
});

describe('numbers', () => {
  test('sizes are as exact as is of use', () => {
    expect([999, 1_500, 2_000_000].map(bytes)).toEqual(['999 B', '1.5 KB', '2 MB']);
  });

  test('milliseconds are as exact as is of use', () => {
    expect([0, 0.64, 1.26, 12.7, 999, 12_345].map(milliseconds)).toEqual([
      '<1 ms',
      '0.6 ms',
      '1.3 ms',
      '13 ms',
      '999 ms',
      '12.3 s',
    ]);
  });

  test('one is one', () => {
    expect([plural(1, 'device'), plural(0, 'device'), plural(2, 'inbox', 'inboxes')]).toEqual([
      '1 device',
      '0 devices',
      '2 inboxes',
    ]);
    expect([secondsUntil(4_001, 0), secondsUntil(-5, 0)]).toEqual([5, 1]);
  });
});

describe('a notification', () => {
  test('without a title goes by its type', () => {
    const titleOf = (more: object) => shownOf({ type: 'order.created', data: {}, ...more }).title;
    expect(titleOf({ data: { title: 'Hello' } })).toBe('Hello');
    expect(titleOf({ data: { title: { toString: 'x' } } })).toBe('Order created');
    expect(titleOf({ data: { title: 'Hello' }, display: { title: 'Order 7' } })).toBe('Order 7');
  });

  test.each([
    ['/orders/1', '/orders/1'],
    ['https://example.com/', 'https://example.com/'],
    ['javascript:alert(1)', undefined],
    ['data:text/html,x', undefined],
    ['http://[', undefined],
    ['', undefined],
    [7, undefined],
    [undefined, undefined],
  ])('links %j as %j: nothing that runs', (url, link) => {
    expect(linkOf(shownOf({ type: 't', data: { url } }), 'http://localhost/')).toBe(link);
  });
});
