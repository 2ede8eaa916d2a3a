/** The names of keys: what an id may hold cannot lead out of its audience's keys and channel, and the page has each. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as keys from '../../../../src/adapters/redis/keys.ts';
import { logKeyOf } from '../../../../src/adapters/redis/keys.ts';
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
      const key = logKeyOf(audience, 'log');
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

test('the page names every key and channel', () => {
  const audience = 'user:42';
  const made: Record<keyof typeof keys, readonly string[]> = {
    logKeyOf: [],
    logKeysOf: keys.logKeysOf(audience),
    marksKeyOf: [keys.marksKeyOf('42')],
    onceKeyOf: [keys.onceKeyOf(audience, '<source> <id>')],
    fetchedKeyOf: [keys.fetchedKeyOf(audience)],
    unreachedKeyOf: [
      keys.unreachedKeyOf(audience, { epoch: '<epoch>', offset: 7 }).replace(/7$/, '<offset>'),
    ],
    sessionsKeyOf: [keys.sessionsKeyOf('42')],
    devicesKeyOf: [keys.devicesKeyOf('42')],
    admittedKeyOf: [keys.admittedKeyOf('42')],
    publishedKeyOf: [keys.publishedKeyOf('42')],
    departmentsKeyOf: [keys.departmentsKeyOf('42')],
    erasureKeyOf: [keys.erasureKeyOf('42')],
    manyKeysOf: [],
    NODES_KEY: [keys.NODES_KEY],
    roomsKeyOf: [keys.roomsKeyOf('<node>')],
    outcomeKeyOf: [keys.outcomeKeyOf('<id>')],
    ADMIN_COMMANDS_KEY: [keys.ADMIN_COMMANDS_KEY],
    ADMIN_COMMANDS_CHANNEL: [keys.ADMIN_COMMANDS_CHANNEL],
    activityChannelOf: [keys.activityChannelOf('batches', '').replace('batches', '')],
  };
  expect(Object.keys(made).toSorted()).toEqual(Object.keys(keys).toSorted());
  const page = readFileSync('docs/rabbitmq-and-redis.md', 'utf8').split('## Keys and channels')[1] ?? '';
  const short = (key: string) => key.replace('carillon:{user:42}:', '…:');
  const missing = Object.values(made)
    .flat()
    .filter((key) => !page.includes(`\`${key}\``) && !page.includes(`\`${short(key)}\``));
  expect(missing).toEqual([]);
});
