/** How much goes into one answer, and how much is read for it. */
import { expect, test } from 'vitest';
import { Portion } from '../../../../src/pipeline/inbox/answer-size.ts';
import fc from '../../../support/fast-check.ts';

test('takes what fits, and nothing behind the first that does not', () => {
  const portion = new Portion(100);
  expect([60, 40, 1, 0].map((bytes) => portion.take(bytes))).toEqual([true, true, false, false]);
  expect(portion.isFull).toBe(true);
});

test('takes the first however large it is, so that there is an end', () => {
  const portion = new Portion(100);
  portion.reserve(90);
  expect([1_000, 1].map((bytes) => portion.take(bytes))).toEqual([true, false]);
});

test('of any sizes: within the limit, and what is read in vain is little', () => {
  const sizes = fc.array(fc.integer({ min: 100, max: 60_000 }), { minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 60_000, max: 600_000 }), (entries, maxBytes) => {
      const portion = new Portion(maxBytes);
      let taken = 0;
      let at = 0;
      let reads = 0;
      while (at < entries.length && !portion.isFull) {
        const some = entries.slice(at, at + portion.nextRead(entries.length - at));
        expect(some.length).toBeGreaterThan(0);
        for (const bytes of some) if (portion.take(bytes)) taken += bytes;
        at += some.length;
        reads += 1;
      }
      expect(taken).toBeLessThanOrEqual(maxBytes);
      expect(reads).toBeLessThanOrEqual(40);
    }),
  );
});
