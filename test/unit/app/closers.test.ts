/** What was opened is closed in reverse, each once, whatever fails; and all that failed is told. */
import { expect, test } from 'vitest';
import { Closers, NotAllClosed } from '../../../src/app/closers.ts';

/** Closers whose names are noted when they have closed. Those that are named `fails…` reject. */
function closersOf(...names: readonly string[]) {
  const closers = new Closers();
  const closed: string[] = [];
  const close = (name: string) => async () => {
    await new Promise((resolve) => setImmediate(resolve));
    closed.push(name);
    if (name.startsWith('fails')) throw new Error(`of ${name}`);
  };
  for (const name of names) closers.add(name, close(name));
  return { closers, closed, close };
}

test('the newest is closed first, and each is awaited before the next', async () => {
  const { closers, closed } = closersOf('redis', 'queue', 'port');
  const closing = closers.close();
  expect(closed).toEqual([]);
  await closing;
  expect(closed).toEqual(['port', 'queue', 'redis']);
});

test('each is closed once, and whoever asks again waits for the first', async () => {
  const { closers, closed } = closersOf('redis', 'queue');
  const first = closers.close();
  await closers.close();
  expect(closed).toEqual(['queue', 'redis']);
  await first;
  await closers.close();
  expect(closed).toEqual(['queue', 'redis']);
});

test('one that fails keeps no other from closing, and every failure is reported', async () => {
  const { closers, closed } = closersOf('redis', 'fails-1', 'queue', 'fails-2', 'port');
  closers.add('fails at once', () => {
    throw new TypeError('not a promise');
  });
  const failure = await closers.close().catch((error: unknown) => error);
  expect(closed).toEqual(['port', 'fails-2', 'queue', 'fails-1', 'redis']);
  if (!(failure instanceof NotAllClosed)) throw new Error('it did not fail');
  expect(failure.errors.map(({ message }) => message)).toEqual([
    'fails at once did not close: not a promise',
    'fails-2 did not close: of fails-2',
    'fails-1 did not close: of fails-1',
  ]);
  expect(failure.errors[0]?.cause).toBeInstanceOf(TypeError);
  expect(failure.message).toContain('of fails-2; fails-1 did not close');
});

test('what is opened while others close is closed too', async () => {
  const { closers, closed, close } = closersOf('redis');
  closers.add('queue', async () => {
    closers.add('late', close('late'));
    closed.push('queue');
  });
  await closers.close();
  expect(closed).toEqual(['queue', 'late', 'redis']);
});

test('nothing was opened: nothing to close', async () => {
  await expect(new Closers().close()).resolves.toBeUndefined();
});
