/** Outcomes's line: what is written comes back, and what is not one is left out. */
import { expect, test } from 'vitest';
import {
  givenFromText,
  givenText,
  settledFromText,
  settledText,
} from '../../../../src/observe/outcomes/settled-text.ts';
import fc from '../../../support/fast-check.ts';

const audience = fc
  .oneof(
    fc.stringMatching(/^[A-Za-z0-9._~@:+-]{1,20}$/),
    fc.constantFrom('Sales & Marketing', '研发部', '50%', '%20'),
  )
  .map((id) => `user:${id}`);
const deadLetter = fc.record({ code: fc.string(), message: fc.string(), path: fc.string() });
const settled = fc.record(
  {
    receivedAtMs: fc.nat(2 ** 41),
    settledAtMs: fc.nat(2 ** 41),
    audiences: fc.array(audience, { maxLength: 20 }),
    count: fc.nat(10_000),
    queue: fc.constantFrom('carillon.deliver', 'carillon.deliver.2', 'carillon.deliver.63'),
    deadLetter,
  },
  { requiredKeys: ['receivedAtMs', 'settledAtMs', 'audiences', 'count'] },
);

test('what is written comes back', () => {
  fc.assert(
    fc.property(settled, (event) => {
      expect(settledFromText(settledText(event))).toEqual(event);
    }),
  );
});

test('the form is the one that is documented', () => {
  const event = { receivedAtMs: 1, settledAtMs: 2, count: 30, audiences: ['user:1', 'global'] };
  expect(settledText(event)).toBe('1 2 30 user:1,global');
  expect(settledText({ ...event, queue: 'carillon.deliver.2' })).toBe(
    '1 2 30@carillon.deliver.2 user:1,global',
  );
  expect(settledText({ ...event, count: 0, audiences: [], deadLetter: { code: 'c', message: 'm' } })).toBe(
    '1 2 0  {"code":"c","message":"m"}',
  );
});

test.for([
  '',
  '1 2',
  '1 2 3',
  'a b c d',
  '1 2 3 x {',
  '1 2 3 x {"code":1}',
  '1 2 3@ x',
  '{"receivedAt":"…"}',
])('%j is none', (text) => {
  expect(settledFromText(text)).toBeUndefined();
});

const event = { receivedAtMs: 1, settledAtMs: 2, count: 1, audiences: ['global'] };

test('what routes and sources gave has a text of its own, and the line stays as it was', () => {
  const given = { madeBy: 'exchange "shop events"', titleRoute: 'order.*' };
  expect(settledText({ ...event, ...given })).toBe(settledText(event));
  expect(givenFromText(givenText({ ...event, ...given }) ?? '')).toEqual(given);
  expect(givenFromText(givenText({ ...event, titleRoute: '#' }) ?? '')).toEqual({ titleRoute: '#' });
  expect(givenText(event)).toBeUndefined();
  // Earlier versions take it for nothing.
  expect(settledFromText(givenText({ ...event, ...given }) ?? '')).toBeUndefined();
});

test.for(['', '{', '[]', '{"madeBy":1}'])('%j gives nothing', (text) => {
  expect(givenFromText(text)).toEqual({});
});
