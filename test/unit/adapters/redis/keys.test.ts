/** The names of keys: what an id may hold cannot lead out of its audience's keys and channel. */
import { expect, test } from 'vitest';
import { audienceKeyOf } from '../../../../src/adapters/redis/keys.ts';
import { audienceOf, isAudience, roomOf } from '../../../../src/contract/audience.ts';
import fc from '../../../support/fast-check.ts';

test('an id that could leave its Redis key, hash tag or channel is refused or encoded', () => {
  const piece = fc.constantFrom(
    'a',
    ':',
    '{',
    '}',
    '#',
    '*',
    '?',
    '[',
    ' ',
    '\n',
    '\u0000',
    ',',
    '}:log',
    '{user:1}',
    '..',
    '\u{1f514}',
  );
  const anyId = fc.oneof(
    fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('')),
    fc.string({ unit: 'binary' }),
  );
  let taken = 0;
  fc.assert(
    fc.property(fc.constantFrom('user', 'department', 'topic'), anyId, (kind, id) => {
      const audience = `${kind}:${id}`;
      if (!isAudience(audience)) return;
      taken += 1;
      const key = audienceKeyOf(audience, 'log');
      // Redis takes what is between the first brace and the next one that closes.
      expect(`{${/\{(.*?)\}/s.exec(key)?.[1]}}`).toBe(roomOf(audience));
      expect(key).toBe(`carillon:${roomOf(audience)}:log`);
      expect(key).not.toMatch(/[\s#*?[\]]/);
      expect(audienceOf(roomOf(audience))).toBe(audience);
    }),
    { numRuns: 5_000 },
  );
  expect(taken).toBeGreaterThan(100);
});
