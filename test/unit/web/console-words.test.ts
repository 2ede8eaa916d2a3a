/** States, numbers and recoveries of the console in words, and what of a notification is shown. */
import { describe, expect, test } from 'vitest';
import type { ConnectionState } from '../../../src/clients/client/connect.ts';
import { linkOf, shownOf } from '../../../web/console/devices/notification-text.ts';
import { recoveryInWords } from '../../../web/console/devices/recovery-words.ts';
import { connectionInWords, milliseconds, plural, secondsUntil } from '../../../web/console/words.ts';

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

describe('numbers', () => {
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
