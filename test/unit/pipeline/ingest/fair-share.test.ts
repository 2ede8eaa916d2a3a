/** When a process gives one of its queues to another: as long as that helps, and rarely when it does not. */
import { expect, test } from 'vitest';
import { FairShare } from '../../../../src/pipeline/ingest/fair-share.ts';

const times = (count: number, act: () => boolean) =>
  Array.from({ length: count }, act).filter(Boolean).length;

test('whoever has more than its share gives one at each look, and no more than that', () => {
  const share = new FairShare(8);
  let active = 8;
  const give = () => {
    const must = share.mustGive(active, 2);
    if (must) active -= 1;
    return must;
  };
  expect(times(4, give)).toBe(4);
  expect(times(100, give)).toBe(0);
  expect(active).toBe(4);
});

test('one alone keeps all', () => {
  const share = new FairShare(4);
  expect(times(100, () => share.mustGive(4, 1))).toBe(0);
});

test('what comes back again and again is given rarely, until the number of processes changes', () => {
  const share = new FairShare(8);
  expect(times(1_000, () => share.mustGive(4, 3))).toBeLessThan(30);
  expect(share.mustGive(4, 4)).toBe(true);
  expect(share.mustGive(3, 4)).toBe(true);
});
