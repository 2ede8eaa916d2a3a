/** How many connections a node has, and that it knows again when they end. */
import { expect, test } from 'vitest';
import { Seats } from '../../../../src/edge/gateway/connection-limits.ts';

const from = (address: string) => ({ node: true, address });

test('there is room for as many of an address as are allowed, and again when one has ended', () => {
  const seats = new Seats({ perNode: 10, perAddress: 2, perUser: 10 });
  const [first] = [seats.take(from('a')), seats.take(from('a')), seats.take(from('b'))];
  expect([seats.fullFor(from('a')), seats.fullFor(from('b'))]).toEqual(['address', undefined]);
  first?.();
  expect(seats.fullFor(from('a'))).toBeUndefined();
});

test('the node is full before its addresses are', () => {
  const seats = new Seats({ perNode: 2, perAddress: 2, perUser: 10 });
  const leave = seats.take(from('a'));
  seats.take(from('b'));
  expect([seats.fullFor(from('a')), seats.fullFor(from('c'))]).toEqual(['node', 'node']);
  leave();
  expect(seats.fullFor(from('c'))).toBeUndefined();
});

test('users are counted apart from addresses', () => {
  const seats = new Seats({ perNode: 10, perAddress: 10, perUser: 1 });
  const leave = seats.takeForUser('ada');
  expect([seats.isFullForUser('ada'), seats.isFullForUser('bob')]).toEqual([true, false]);
  leave();
  expect(seats.isFullForUser('ada')).toBe(false);
});
