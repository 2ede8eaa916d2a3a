/** How many messages a client may send. */
import { describe, expect, test } from 'vitest';
import { Allowance } from '../../../../src/edge/limits/token-bucket.ts';
import fc from '../../../support/fast-check.ts';

describe('an allowance of 10 a second and 20 at once', () => {
  const rate = { perSecond: 10, burst: 20 };
  const allowedAt = (allowance: Allowance, nowMs: number, asked: number) =>
    Array.from({ length: asked }, () => allowance.take(nowMs)).filter((isAllowed) => isAllowed).length;

  test('gives 20 at once, then one every 100 ms, and never more than 20', () => {
    const allowance = new Allowance(rate, 0);
    expect(allowedAt(allowance, 0, 30)).toBe(20);
    expect(allowedAt(allowance, 99, 1)).toBe(0);
    expect(allowedAt(allowance, 199, 5)).toBe(1);
    expect(allowedAt(allowance, 3_600_000, 100)).toBe(20);
  });

  test('a clock that is set back neither gives nor takes', () => {
    const allowance = new Allowance(rate, 10_000);
    expect(allowedAt(allowance, 10_000, 15)).toBe(15);
    expect(allowedAt(allowance, 0, 20)).toBe(5);
    expect(allowedAt(allowance, 500, 20)).toBe(5);
  });

  test('over any time: no more than the burst and what the rate gives', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2_000), fc.nat(40)), { maxLength: 30 }), (steps) => {
        const allowance = new Allowance(rate, 0);
        let nowMs = 0;
        let allowed = 0;
        for (const [pauseMs, asked] of steps) {
          nowMs += pauseMs;
          allowed += allowedAt(allowance, nowMs, asked);
          expect(allowed).toBeLessThanOrEqual(rate.burst + (nowMs / 1_000) * rate.perSecond);
        }
      }),
    );
  });
});
