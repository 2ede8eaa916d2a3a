/** Something awaited for a limited time leaves neither a timer nor an unheard failure behind. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { within } from '../../../src/resilience/timeout.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = new Promise<string>(() => {});

test('what comes in time is given, and its timer is gone', async () => {
  expect(await within(1_000, Promise.resolve('here'), () => 'late')).toBe('here');
  const failure = new Error('failed');
  await expect(within(1_000, Promise.reject(failure), () => 'late')).rejects.toBe(failure);
  expect(vi.getTimerCount()).toBe(0);
});

test('what is late is answered for, or thrown', async () => {
  const given = within(1_000, never, () => 'late');
  const thrown = within(1_000, never, () => {
    throw new Error('no answer');
  });
  const outcome = thrown.catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(999);
  expect(await Promise.race([given, 'not yet'])).toBe('not yet');
  await vi.advanceTimersByTimeAsync(1);
  expect(await given).toBe('late');
  expect(await outcome).toEqual(new Error('no answer'));
});

test('what fails later is heard by nobody, and ends no process', async () => {
  const unheard = vi.fn();
  process.on('unhandledRejection', unheard);
  let fail: (error: Error) => void = () => {};
  const failing = new Promise<string>((_, reject) => {
    fail = reject;
  });
  const given = within(1_000, failing, () => 'late');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await given).toBe('late');
  fail(new Error('too late'));
  vi.useRealTimers();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', unheard);
  expect(unheard).not.toHaveBeenCalled();
});
