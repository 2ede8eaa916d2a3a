/** The command line of `npm run bench`. */
import { expect, test } from 'vitest';
import { readOptions } from '../../../bench/compare/options.ts';
import { STUDIES } from '../../../bench/support/programs.ts';

const read = (...args: readonly string[]) => readOptions(args, ['a', 'b'], STUDIES);

test('--only names works and studies, and what is neither is refused with what there is', () => {
  expect(STUDIES).toContain('partitions');
  expect(read()).toEqual({ repeat: 3, only: undefined, smoke: false });
  expect(read('--only', 'partitions', '--smoke')).toEqual({ repeat: 1, only: ['partitions'], smoke: true });
  expect(read('--only', 'a, partitions').only).toEqual(['a', 'partitions']);
  expect(() => read('--only', 'partition')).toThrow(`a,b,${STUDIES.join(',')}, not "partition"`);
});

test('the number of repeats is for works, and a study does not silently go without it', () => {
  expect(read('--only', 'a,partitions', '--repeat', '5').repeat).toBe(5);
  expect(() => read('--only', 'partitions', '--repeat', '5')).toThrow('--repeat is for works');
});
