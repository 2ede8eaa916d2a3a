/** How many connections a node has, and that it knows again when they end. */
import { expect, test } from 'vitest';
import { ConnectionLimits } from '../../../../src/edge/gateway/connection-limits.ts';

const from = (address: string) => ({ node: true, address });

test('there is room for as many of an address as are allowed, and again when one has ended', () => {
  const connectionLimits = new ConnectionLimits({ perNode: 10, perAddress: 2, perUser: 10 });
  for (const address of ['a', 'a', 'b']) connectionLimits.take(from(address));
  expect([connectionLimits.fullFor(from('a')), connectionLimits.fullFor(from('b'))]).toEqual([
    'address',
    undefined,
  ]);
  connectionLimits.giveBack(from('a'));
  expect(connectionLimits.fullFor(from('a'))).toBeUndefined();
});

test('the node is full before its addresses are', () => {
  const connectionLimits = new ConnectionLimits({ perNode: 2, perAddress: 2, perUser: 10 });
  connectionLimits.take(from('a'));
  connectionLimits.take(from('b'));
  expect([connectionLimits.fullFor(from('a')), connectionLimits.fullFor(from('c'))]).toEqual([
    'node',
    'node',
  ]);
  connectionLimits.giveBack(from('a'));
  expect(connectionLimits.fullFor(from('c'))).toBeUndefined();
});

test('users are counted apart from addresses', () => {
  const connectionLimits = new ConnectionLimits({ perNode: 10, perAddress: 10, perUser: 1 });
  const leave = connectionLimits.takeForUser('ada');
  expect([connectionLimits.isFullForUser('ada'), connectionLimits.isFullForUser('bob')]).toEqual([
    true,
    false,
  ]);
  leave();
  expect(connectionLimits.isFullForUser('ada')).toBe(false);
});
