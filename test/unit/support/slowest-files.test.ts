import { expect, test } from 'vitest';
import { slowestOf } from '../../support/slowest-files-reporter.ts';

test('the five files that took longest are named, the longest first', () => {
  const files = [20, 90_400, 3, 1_000, 500, 123_456].map((ms) => ({ path: `test/${ms}.test.ts`, ms }));
  expect(slowestOf(files)).toEqual([
    '  123.5 s  test/123456.test.ts',
    '   90.4 s  test/90400.test.ts',
    '    1.0 s  test/1000.test.ts',
    '    0.5 s  test/500.test.ts',
    '    0.0 s  test/20.test.ts',
  ]);
});
