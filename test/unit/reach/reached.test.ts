/** Places in a log over its incarnations: who is where has what is before. */
import { expect, test } from 'vitest';
import type { Cursor } from '../../../src/contract/notification.ts';
import { reaches } from '../../../src/pipeline/inbox/incarnations.ts';

/** Redis lost data after b:7, and once more. */
const incarnations = [
  { epoch: 'c', firstOffset: 8 },
  { epoch: 'b', firstOffset: 5 },
  { epoch: 'a', firstOffset: 1 },
];
const at = (epoch: string, offset: number): Cursor => ({ epoch, offset });

test.for<[string, Cursor, Cursor, boolean]>([
  ['at it', at('b', 6), at('b', 6), true],
  ['behind it', at('b', 7), at('b', 6), true],
  ['before it', at('b', 5), at('b', 6), false],
  ['in a later incarnation', at('c', 8), at('b', 7), true],
  ['in a later incarnation that began with fewer', at('c', 8), at('a', 9), true],
  ['in an earlier incarnation', at('a', 9), at('b', 6), false],
  ['in a log that was never written', at('0', 0), at('a', 1), false],
  ['in one that nobody remembers', at('gone', 99), at('a', 1), false],
  ['in a known one, and the place in one that nobody remembers', at('a', 1), at('gone', 9), true],
])('%s', ([, cursor, place, expected]) => {
  expect(reaches(cursor, place, incarnations)).toBe(expected);
});
