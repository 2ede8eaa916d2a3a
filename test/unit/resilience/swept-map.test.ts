/** Entries that say nothing any more are forgotten as others come, and those in use are not. */
import { expect, test } from 'vitest';
import { SweptMap } from '../../../src/resilience/swept-map.ts';

const IDLE = { isIdle: true };
const MANY = 5_000;

function filled() {
  const map = new SweptMap<string, { isIdle: boolean }>(({ isIdle }) => isIdle);
  map.set('in use', { isIdle: false });
  for (let i = 0; i < MANY; i += 1) map.set(`idle ${i}`, IDLE);
  return map;
}

test('what is in use stays, whoever comes', () => {
  expect(filled().get('in use')).toEqual({ isIdle: false });
});

test('of the idle ones no more than some are kept', () => {
  const map = filled();
  const kept = Array.from({ length: MANY }, (_, i) => map.get(`idle ${i}`)).filter(
    (one) => one !== undefined,
  );
  expect(kept.length).toBeLessThanOrEqual(1_000);
});

test('what was just set is there', () => {
  const map = filled();
  map.set('newest', IDLE);
  expect(map.get('newest')).toBe(IDLE);
});

test('nothing is looked at while few are known', () => {
  let looks = 0;
  const map = new SweptMap<number, string>(() => {
    looks += 1;
    return true;
  });
  for (let i = 0; i < 1_000; i += 1) map.set(i, 'x');
  expect([looks, map.get(0)]).toEqual([0, 'x']);
});

test('each is looked at a few times, also when all are in use', () => {
  let looks = 0;
  const map = new SweptMap<number, string>(() => {
    looks += 1;
    return false;
  });
  for (let i = 0; i < 20_000; i += 1) map.set(i, 'x');
  expect(looks).toBeLessThan(2 * 20_000);
});
