/** Listeners and loops: what an app's own code may do without disturbing what is told. */
import { expect, test } from 'vitest';
import { Emitter } from '../../../../src/clients/client/emitter.ts';
import { createFeed } from '../../../../src/clients/client/iteration.ts';

test('a listener is called until it ends, also when it listens twice or ends while it is called', () => {
  const emitter = new Emitter<{ a: [number]; b: [] }>();
  const told: string[] = [];
  const listener = (n: number) => told.push(`first ${n}`);
  const end = emitter.on('a', listener);
  emitter.on('a', listener);
  const endOnce = emitter.on('a', (n) => {
    told.push(`once ${n}`);
    endOnce();
  });
  emitter.emit('a', 1);
  end();
  end();
  emitter.emit('a', 2);
  expect(told).toEqual(['first 1', 'first 1', 'once 1', 'first 2']);
  expect([emitter.isHeard('a'), emitter.isHeard('b')]).toEqual([true, false]);
  emitter.clear();
  expect(emitter.isHeard('a')).toBe(false);
});

test('a listener that throws does not keep others from being called, and is reported', async () => {
  const emitter = new Emitter<{ a: [] }>();
  const told: string[] = [];
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  const reported = new Promise((resolve) => process.once('unhandledRejection', resolve));
  try {
    emitter.on('a', () => {
      throw new Error("the app's");
    });
    emitter.on('a', () => told.push('told'));
    emitter.emit('a');
    expect(told).toEqual(['told']);
    expect(await reported).toEqual(new Error("the app's"));
  } finally {
    for (const other of others) process.on('unhandledRejection', other);
  }
});

test('a loop gets everything in order, also what came while it was busy, and then ends', async () => {
  const ended: string[] = [];
  const feed = createFeed<number>(() => ended.push('ended'));
  const got: number[] = [];
  const loop = (async () => {
    for await (const value of feed) {
      got.push(value);
      if (value === 2) feed.push(3);
    }
  })();
  feed.push(1);
  feed.push(2);
  await new Promise((resolve) => setImmediate(resolve));
  feed.push(4);
  feed.end();
  feed.push(5);
  await loop;
  expect([got, ended]).toEqual([[1, 2, 3, 4], ['ended']]);
});

test('a loop that is left keeps nothing', async () => {
  const ended: string[] = [];
  const feed = createFeed<number>(() => ended.push('ended'));
  feed.push(1);
  feed.push(2);
  for await (const value of feed) if (value === 1) break;
  expect([await feed.next(), ended]).toEqual([{ done: true, value: undefined }, ['ended']]);
});
