/** The client's tokens: whose they are, and that a fresh one is presented in time. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { backoffMs } from '../../../../src/clients/client/backoff.ts';
import { environment } from '../../../../src/clients/client/environment.ts';
import { refreshDelayMs, subjectOf } from '../../../../src/clients/client/token.ts';
import { TokenRefresh } from '../../../../src/clients/client/token-refresh.ts';

const jwt = (claims: unknown) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig`;

test('the user is read from the token, whatever else the claims hold', () => {
  expect(subjectOf(jwt({ name: 'Zoë ~ 日本?>>', sub: 'a.b_c~d@e:f+g-h' }))).toBe('a.b_c~d@e:f+g-h');
});

test('a user beyond ASCII is who the session says, normalised', () => {
  expect(subjectOf(jwt({ sub: '张三' }))).toBe('张三');
  expect(subjectOf(jwt({ sub: 'Zoe\u0308 🔔' }))).toBe('Zo\u00eb 🔔');
});

test.for(['', 'opaque', 'a.b.c', 'a.%%.c', jwt('text'), jwt(null), jwt({}), jwt({ sub: 7 })])(
  'nobody can be read from %s',
  (token) => expect(subjectOf(token)).toBeUndefined(),
);

test.for([
  [3_600_000, 2_880_000],
  [100_000, 70_000],
  [60_000, 30_000],
  [31_000, 15_500],
  [10_000, 5_000],
  [100, 1_000],
  [-5_000, 1_000],
])('with %i ms left it is renewed after %i ms', ([remainingMs = 0, delayMs]) => {
  expect(refreshDelayMs(remainingMs)).toBe(delayMs);
});

test('pauses double up to their limit, and the random part is half of each', () => {
  expect([0, 1, 2, 9].map((failures) => backoffMs(failures, 60_000, 1))).toEqual([
    1_000, 2_000, 4_000, 60_000,
  ]);
  expect([0, 1, 2, 9].map((failures) => backoffMs(failures, 60_000, 0))).toEqual([500, 1_000, 2_000, 30_000]);
});

describe('refreshing', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function setup() {
    const refresh = vi.fn<() => Promise<number>>(async () => 1_000_000);
    const errors: unknown[] = [];
    const tokens = new TokenRefresh({
      environment: environment(),
      refresh,
      onError: (error) => errors.push(error),
    });
    return { refresh, errors, tokens, pass: (ms: number) => vi.advanceTimersByTimeAsync(ms) };
  }

  test('goes on with the life of each new token', async () => {
    const { refresh, tokens, pass } = setup();
    tokens.start(100_000);
    await pass(69_999);
    expect(refresh).toHaveBeenCalledTimes(0);
    await pass(1);
    expect(refresh).toHaveBeenCalledTimes(1);
    await pass(800_000);
    expect(refresh).toHaveBeenCalledTimes(2);
    tokens.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that fails is reported and tried again, later each time', async () => {
    const { refresh, errors, tokens, pass } = setup();
    refresh.mockRejectedValueOnce(new Error('1')).mockRejectedValueOnce(new Error('2'));
    tokens.start(10_000);
    await pass(5_000);
    expect(errors).toEqual([new Error('1')]);
    await pass(1_000);
    expect(errors).toEqual([new Error('1'), new Error('2')]);
    await pass(2_000);
    expect(refresh).toHaveBeenCalledTimes(3);
    expect(errors).toHaveLength(2);
  });

  test.for(['resolve', 'reject'] as const)('that ends after stop (%s) begins nothing', async (how) => {
    const { refresh, errors, tokens, pass } = setup();
    let finish = () => {};
    refresh.mockImplementationOnce(
      () =>
        new Promise((resolve, reject) => {
          finish = () => (how === 'resolve' ? resolve(1) : reject(new Error('late')));
        }),
    );
    tokens.start(10_000);
    await pass(5_000);
    tokens.stop();
    finish();
    await pass(0);
    expect([errors, vi.getTimerCount()]).toEqual([[], 0]);
  });
});
