import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LONGEST, longestFirst } from '../../support/longest-first.ts';

test('the files that take longest begin first, and the others stay in their order', () => {
  const [first = '', second = ''] = LONGEST;
  const files = ['/b.test.ts', second, '/a.test.ts', first].map((moduleId) => ({ moduleId }));
  const paths = longestFirst(files).map(({ moduleId }) => moduleId);
  expect(paths).toEqual([first, second, '/b.test.ts', '/a.test.ts']);
});

test('each of them is there', () => {
  expect(LONGEST.filter((path) => !existsSync(path))).toEqual([]);
});
