/** Ranges of offsets do what sets of numbers do. */
import { describe, expect, test } from 'vitest';
import {
  contains,
  difference,
  formatRanges,
  intersection,
  NO_RANGES,
  parseRanges,
  type Ranges,
  union,
} from '../../../../src/pipeline/inbox/ranges.ts';
import fc from '../../../support/fast-check.ts';

const MAX_OFFSET = 40;

const anySet = fc
  .uniqueArray(fc.integer({ min: 1, max: MAX_OFFSET }), { maxLength: MAX_OFFSET })
  .map((offsets) => new Set(offsets));

/** The ranges of a set in their one right form. */
function rangesOf(offsets: ReadonlySet<number>): Ranges {
  const ranges: [number, number][] = [];
  for (let offset = 1; offset <= MAX_OFFSET; offset += 1) {
    if (!offsets.has(offset)) continue;
    const previous = ranges.at(-1);
    if (offsets.has(offset - 1) && previous !== undefined) previous[1] = offset;
    else ranges.push([offset, offset]);
  }
  return ranges;
}

/** One range for each number, also where they touch: what a search for ids finds. */
function singles(offsets: ReadonlySet<number>): Ranges {
  return [...offsets].toSorted((a, b) => a - b).map((offset) => [offset, offset] as const);
}

const where = (offsets: ReadonlySet<number>, holds: (offset: number) => boolean) =>
  rangesOf(new Set([...offsets].filter(holds)));

/** Holds for two sets, and also when the second one's ranges touch. */
function forAllPairs(check: (a: Set<number>, b: Set<number>, formOf: typeof rangesOf) => void): void {
  fc.assert(fc.property(anySet, anySet, fc.constantFrom(rangesOf, singles), check));
}

describe('as sets of numbers', () => {
  test('union', () => {
    forAllPairs((a, b, formOf) => {
      expect(union(rangesOf(a), formOf(b))).toEqual(rangesOf(new Set([...a, ...b])));
    });
  });

  test('difference', () => {
    forAllPairs((a, b, formOf) => {
      expect(difference(rangesOf(a), formOf(b))).toEqual(where(a, (offset) => !b.has(offset)));
    });
  });

  test('intersection', () => {
    forAllPairs((a, b, formOf) => {
      expect(intersection(rangesOf(a), formOf(b))).toEqual(where(a, (offset) => b.has(offset)));
    });
  });

  test('contains', () => {
    fc.assert(
      fc.property(anySet, fc.integer({ min: 0, max: MAX_OFFSET + 1 }), (offsets, offset) => {
        expect(contains(rangesOf(offsets), offset)).toBe(offsets.has(offset));
      }),
    );
  });

  test('nothing is changed in place', () => {
    forAllPairs((a, b) => {
      const [left, right] = [rangesOf(a), rangesOf(b)];
      for (const change of [union, difference, intersection]) change(left, right);
      expect([left, right]).toEqual([rangesOf(a), rangesOf(b)]);
    });
  });
});

describe('as text', () => {
  test('formatted and parsed they are the same', () => {
    fc.assert(
      fc.property(anySet, (offsets) => {
        expect(parseRanges(formatRanges(rangesOf(offsets)))).toEqual(rangesOf(offsets));
      }),
    );
  });

  test('is short', () => {
    const ranges: Ranges = [
      [1, 17],
      [19, 19],
      [1_000_000, 9_007_199_254_740_991],
    ];
    expect(formatRanges(ranges)).toBe('1-17,19,1000000-9007199254740991');
    expect(parseRanges(formatRanges(ranges))).toEqual(ranges);
    expect(formatRanges(NO_RANGES)).toBe('');
  });

  test.for<[string, Ranges]>([
    ['', []],
    [
      'x,3,,5-2,-1,0,7-9',
      [
        [3, 3],
        [7, 9],
      ],
    ],
    ['5-6,1-5', [[1, 6]]],
  ])('"%s" is read without what is no range', ([text, ranges]) => {
    expect(parseRanges(text)).toEqual(ranges);
  });
});
