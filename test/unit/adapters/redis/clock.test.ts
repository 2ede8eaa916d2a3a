/** What Redis' clock is taken to say: the quickest answer counts, until another one refutes it. */
import { expect, test } from 'vitest';
import { ClockEstimate } from '../../../../src/adapters/redis/clock.ts';
import fc from '../../../support/fast-check.ts';

test('an answer that took long does not replace one that came at once', () => {
  const estimate = new ClockEstimate();
  expect(estimate.leadMs).toBeUndefined();
  estimate.learn(5_001, 0, 2);
  expect(estimate.leadMs).toBe(5_000);
  // Read at its very end.
  estimate.learn(5_200, 100, 200);
  expect(estimate.leadMs).toBe(5_000);
});

test('one that came quicker does', () => {
  const estimate = new ClockEstimate();
  estimate.learn(5_100, 0, 100);
  expect(estimate.leadMs).toBe(5_050);
  estimate.learn(5_201, 200, 202);
  expect(estimate.leadMs).toBe(5_000);
});

test('and one that shows that the other clock was set, however long it took', () => {
  const estimate = new ClockEstimate();
  estimate.learn(5_001, 0, 2);
  estimate.learn(65_150, 100, 200);
  expect(estimate.leadMs).toBe(65_000);
});

test('it is never more wrong than half of the quickest answer that it has had', () => {
  const answers = fc.array(fc.tuple(fc.nat(500), fc.double({ min: 0, max: 1, noNaN: true })), {
    minLength: 1,
  });
  fc.assert(
    fc.property(answers, fc.integer({ min: -1e6, max: 1e6 }), (taken, leadMs) => {
      const estimate = new ClockEstimate();
      let nowMs = 0;
      for (const [tookMs, readAt] of taken) {
        estimate.learn(nowMs + tookMs * readAt + leadMs, nowMs, nowMs + tookMs);
        nowMs += tookMs + 1_000;
      }
      const quickestMs = Math.min(...taken.map(([tookMs]) => tookMs));
      expect(Math.abs((estimate.leadMs ?? Number.NaN) - leadMs)).toBeLessThanOrEqual(quickestMs / 2 + 1e-6);
    }),
  );
});
