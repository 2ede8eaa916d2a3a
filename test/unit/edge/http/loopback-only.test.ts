/** Which hosts and origins embedded mode answers to. */
import { expect, test } from 'vitest';
import { isLoopback, loopbackOnly } from '../../../../src/edge/http/loopback-only.ts';
import fc from '../../../support/fast-check.ts';

test.for([
  'localhost',
  'localhost:3000',
  'LocalHost:3000',
  '127.0.0.1',
  '127.0.0.1:3000',
  '127.255.3.9:1',
  '127.1',
  '[::1]',
  '[::1]:3000',
  '[0:0:0:0:0:0:0:1]:3000',
])('%s is this machine', (host) => {
  expect(isLoopback(host)).toBe(true);
});

test.for([
  undefined,
  '',
  ' ',
  ':3000',
  'evil.example',
  'evil.example:3000',
  'localhost.evil.example',
  'evil-localhost',
  '127.0.0.1.evil.example',
  '127.0.0.1evil.example',
  'evil.example#localhost',
  'evil.example?@localhost',
  'localhost@evil.example',
  'evil.example@localhost',
  'localhost/evil.example',
  'localhost,evil.example',
  'localhost:3000:1',
  'localhost:port',
  'localhost:99999',
  'localhost localhost',
  '128.0.0.1',
  '0.0.0.0',
  '10.0.0.1',
  '[::]',
  '[::2]',
  '[fe80::1%25lo]',
  '::1',
])('%s is not', (host) => {
  expect(isLoopback(host)).toBe(false);
});

test('nothing around a name makes it this machine', () => {
  const piece = fc.constantFrom(
    'localhost',
    '127.0.0.1',
    '[::1]',
    '.',
    '@',
    ':',
    '/',
    '#',
    '?',
    '\\',
    ' ',
    'x',
    '1',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 5 }), (pieces) => {
      const host = pieces.join('');
      if (isLoopback(host)) expect(host).toMatch(/^(localhost|127(\.\d+){1,3}\.?|\[::1\])(:\d+)?$/);
    }),
    { numRuns: 3_000 },
  );
});

const codeOf = (
  headers: { readonly host?: string; readonly origin?: string },
  allowed: readonly string[] = [],
) => loopbackOnly(allowed)(headers)?.code;

test.for<[string | undefined, readonly string[], string | undefined]>([
  [undefined, [], undefined],
  ['http://localhost:5173', [], undefined],
  ['https://127.0.0.1:8443', [], undefined],
  ['http://[::1]:3000', [], undefined],
  ['http://evil.example', [], 'origin'],
  ['http://localhost.evil.example:3000', [], 'origin'],
  ['null', [], 'origin'],
  ['', [], 'origin'],
  ['file://', [], 'origin'],
  ['https://app.example', ['https://app.example'], undefined],
  ['https://other.example', ['https://app.example'], 'origin'],
  ['https://any.example', ['*'], undefined],
])('a page of %s with %j allowed: %s', ([origin, allowed, code]) => {
  const headers = { host: 'localhost:3000', ...(origin === undefined ? {} : { origin }) };
  expect(codeOf(headers, allowed)).toBe(code);
  expect(codeOf({ ...headers, host: 'evil.example:3000' }, allowed)).toBe('misdirected');
});
