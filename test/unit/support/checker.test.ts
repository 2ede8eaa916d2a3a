/** The checker finds each kind of fault; a checker that cannot fail would prove nothing. */
import { expect, test } from 'vitest';
import { Checker, flawless } from '../../support/checker.ts';

function published(count: number): { checker: Checker; ids: string[] } {
  const checker = new Checker();
  const ids = Array.from({ length: count }, () => checker.next('user:a').id);
  return { checker, ids };
}

test('nothing is wrong when everything came once and in order', () => {
  const { checker, ids } = published(5);
  expect(checker.judge([{ audience: 'user:a', ids }])).toEqual(flawless(5));
});

test.for([
  ['lost', (ids: string[]) => ids.toSpliced(2, 1), ['user:a#3']],
  ['duplicated', (ids: string[]) => [...ids, 'user:a#5'], ['user:a#5']],
  ['disordered', (ids: string[]) => ids.toSpliced(1, 2, 'user:a#3', 'user:a#2'), ['user:a#2']],
  ['unexpected', (ids: string[]) => [...ids, 'user:b#1'], ['user:b#1']],
] as const)('%s', ([fault, spoil, found]) => {
  const { checker, ids } = published(5);
  const verdict = checker.judge([{ audience: 'user:a', ids: spoil(ids) }]);
  expect(verdict).toEqual({ ...flawless(5), [fault]: found });
});
