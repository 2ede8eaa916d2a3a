/** The order of what happens at the end of a turn of the event loop. */
import { expect, onTestFinished, test } from 'vitest';
import { atEndOfTurn, lastInTurn } from '../../../../src/adapters/redis/end-of-turn.ts';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test('what was collected is answered first, and what that writes leaves in the same turn', async () => {
  const told: string[] = [];
  lastInTurn(() => told.push('written before'));
  atEndOfTurn(() => {
    told.push('answered');
    lastInTurn(() => told.push('written by the answer'));
  });
  expect(told).toEqual([]);
  await nextTurn();
  expect(told).toEqual(['answered', 'written before', 'written by the answer']);
});

test('what an answer collects has the next turn', async () => {
  const told: string[] = [];
  atEndOfTurn(() => atEndOfTurn(() => told.push('next')));
  await nextTurn();
  expect(told).toEqual([]);
  await nextTurn();
  expect(told).toEqual(['next']);
});

test('one that throws keeps no other from running, and is not hidden', async () => {
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const thrown: unknown[] = [];
  process.on('uncaughtException', (error) => thrown.push(error));
  onTestFinished(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  });
  const told: string[] = [];
  const fault = new Error('of ours');
  atEndOfTurn(() => {
    throw fault;
  });
  atEndOfTurn(() => told.push('answered'));
  lastInTurn(() => told.push('written'));
  await nextTurn();
  expect([told, thrown]).toEqual([['answered', 'written'], [fault]]);
});
