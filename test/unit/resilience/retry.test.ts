/** What is tried again: an outage and nothing else, until it succeeds or whoever asked gives up. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { retried } from '../../../src/resilience/retry.ts';
import { Unavailable } from '../../../src/resilience/unavailable.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const away = () => new Unavailable('away');

/** Fails with these, and then succeeds. */
function failing(...failures: readonly unknown[]) {
  const left = [...failures];
  return vi.fn(async () => {
    if (left.length > 0) throw left.shift();
    return 'done';
  });
}

test('an outage is waited for, however long it lasts', async () => {
  const attempt = failing(...Array.from({ length: 30 }, away));
  const outcome = retried(attempt);
  await vi.runAllTimersAsync();
  expect(await outcome).toBe('done');
  expect(attempt).toHaveBeenCalledTimes(31);
});

test.each([new TypeError('a fault'), new SyntaxError('a fault'), 'no error at all'])(
  'a fault of ours is rejected with as it is: %s',
  async (fault) => {
    for (const before of [[], [away()], [away(), away()]]) {
      const attempt = failing(...before, fault);
      const outcome = retried(attempt).catch((error: unknown) => error);
      await vi.runAllTimersAsync();
      // p-retry wraps what is no error.
      expect(String(await outcome)).toContain(fault instanceof Error ? fault.message : fault);
      expect(attempt).toHaveBeenCalledTimes(before.length + 1);
    }
  },
);

test('whoever asks decides what else is tried again, and hears of every failure', async () => {
  const heard: unknown[] = [];
  const shouldRetry = (error: unknown) => heard.push(error) < 3;
  const failures = ['one', 'two', 'three', 'four'].map((message) => new Error(message));
  const outcome = retried(failing(...failures), { shouldRetry }).catch((error: unknown) => error);
  await vi.runAllTimersAsync();
  expect(await outcome).toBe(failures[2]);
  expect(heard).toEqual(failures.slice(0, 3));
});

test('the signal ends a pause at once, and is not asked for before something failed', async () => {
  const abort = new AbortController();
  const signal = vi.fn(() => abort.signal);
  expect(await retried(failing(), { signal })).toBe('done');
  expect(signal).not.toHaveBeenCalled();
  const attempt = failing(away(), away(), away());
  const outcome = retried(attempt, { signal }).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(0);
  expect(attempt).toHaveBeenCalledTimes(2);
  const reason = new Error('closed');
  abort.abort(reason);
  expect(await outcome).toBe(reason);
  expect(attempt).toHaveBeenCalledTimes(2);
});

test('what succeeds after the signal was aborted has succeeded', async () => {
  const abort = new AbortController();
  let finish: (value: string) => void = () => {};
  let attempts = 0;
  const heard: unknown[] = [];
  const outcome = retried(
    () => {
      attempts += 1;
      if (attempts === 1) return Promise.reject(away());
      return new Promise<string>((resolve) => {
        finish = resolve;
      });
    },
    { signal: () => abort.signal, shouldRetry: (error) => heard.push(error) > 0 },
  );
  await vi.advanceTimersByTimeAsync(0);
  abort.abort(new Error('closed'));
  finish('done');
  expect(await outcome).toBe('done');
  // The end is no failure.
  expect(heard).toHaveLength(1);
});
