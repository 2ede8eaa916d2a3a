/** What adapts to a link: how much is written at a time, how much is read, and whether either gets anywhere. */
import { describe, expect, test } from 'vitest';
import { PageSize } from '../../../../src/pipeline/inbox/page-size.ts';
import { Progress } from '../../../../src/pipeline/inbox/progress.ts';
import { bytesOf, WriteWindow } from '../../../../src/pipeline/inbox/write-window.ts';
import fc from '../../../support/fast-check.ts';

describe('a write window', () => {
  test('always lets one go, and then only what fits', () => {
    const window = new WriteWindow();
    expect(window.fits(10_000_000)).toBe(true);
    expect(window.fits(10_000_000, true)).toBe(false);
    window.began(200_000);
    expect([window.fits(60_000), window.fits(70_000)]).toEqual([true, false]);
    window.succeeded(200_000);
    expect(window.fits(10_000_000)).toBe(true);
  });

  test('is halved by each time-out, down to single entries, and only by those', () => {
    const window = new WriteWindow();
    const limits: number[] = [];
    for (const isTimeout of [true, false, true, true]) {
      const bytes = window.limitBytes;
      window.began(bytes);
      window.failed(bytes, isTimeout);
      limits.push(window.limitBytes);
    }
    expect(limits).toEqual([131_072, 131_072, 65_536, 32_768]);
    for (let i = 0; i < 50; i += 1) {
      window.began(60_000);
      window.failed(60_000, true);
    }
    expect(window.limitBytes).toBe(1_024);
    expect(window.fits(60_000)).toBe(true);
  });

  test('goes back to the most after successes, and counts what is under way whatever comes of it', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(300_000), fc.constantFrom('ok', 'late', 'away'))), (calls) => {
        const window = new WriteWindow();
        for (const [bytes] of calls) window.began(bytes);
        for (const [bytes, end] of calls) {
          if (end === 'ok') window.succeeded(bytes);
          else window.failed(bytes, end === 'late');
        }
        expect(window.fits(Number.MAX_SAFE_INTEGER)).toBe(true);
        for (let i = 0; i < 10; i += 1) {
          window.began(1);
          window.succeeded(1);
        }
        expect(window.limitBytes).toBe(262_144);
      }),
    );
  });

  test('counts bytes, not characters', () => {
    expect(bytesOf({ source: '', id: '', text: { head: '销售部', tail: 'ab' }, sampled: false })).toBe(11);
  });
});

describe('a page', () => {
  test('of large entries is short at once, and becomes longer little by little', () => {
    const page = new PageSize();
    page.saw(10, 10 * 60_000);
    expect(page.entries).toBe(4);
    const sizes = Array.from({ length: 8 }, () => {
      page.saw(page.entries, page.entries * 300);
      return page.entries;
    });
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    expect(sizes.at(-1)).toBeGreaterThan(400);
  });

  test('has at least one entry and at most 1,000, and an empty answer says nothing', () => {
    const page = new PageSize();
    const before = page.entries;
    page.saw(0, 0);
    expect(page.entries).toBe(before);
    for (let i = 0; i < 30; i += 1) page.saw(1, 1);
    expect(page.entries).toBe(1_000);
    page.saw(1, 20_000_000);
    expect(page.entries).toBe(1);
  });

  test('that does not come in time is a quarter the next time, down to one entry', () => {
    const page = new PageSize();
    const sizes = [page.entries];
    for (let i = 0; i < 4; i += 1) {
      page.timedOut();
      sizes.push(page.entries);
    }
    expect(sizes).toEqual([64, 16, 4, 1, 1]);
  });
});

describe('progress', () => {
  let nowMs = 0;
  const at = (ms: number) => {
    nowMs = ms;
  };

  test('is missing when failures last, until one succeeds', () => {
    const progress = new Progress(() => nowMs);
    const states = [100_000, 105_000, 110_000].map((ms) => {
      at(ms);
      progress.failed();
      return progress.isStalled;
    });
    expect(states).toEqual([false, false, true]);
    progress.succeeded();
    expect(progress.isStalled).toBe(false);
    at(111_000);
    progress.failed();
    expect(progress.isStalled).toBe(false);
  });

  test('is not missing when nobody tries any more, and begins anew when somebody does', () => {
    const progress = new Progress(() => nowMs);
    for (const ms of [100_000, 112_000]) {
      at(ms);
      progress.failed();
    }
    expect(progress.isStalled).toBe(true);
    at(142_000);
    expect(progress.isStalled).toBe(false);
    progress.failed();
    expect(progress.isStalled).toBe(false);
  });
});
