/** Sessions end when their token expires: at the second that it names, and not before. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TokenExpiry } from '../../../../src/edge/gateway/token-expiry.ts';

const AT_MS = Date.parse('2026-11-20T09:00:00.400Z');

let expiry: TokenExpiry | undefined;

beforeEach(() => {
  vi.useFakeTimers({ now: AT_MS });
});

afterEach(() => {
  expiry?.close();
  vi.useRealTimers();
});

/** Sessions whose tokens expire at these times. Whoever has ended is gone, as from a gateway. */
function follow(expiresAt: Readonly<Record<string, string>>): { readonly ended: string[] } {
  const ended: string[] = [];
  const sessions = new Map(
    Object.entries(expiresAt).map(([name, time]) => {
      const end = (code: string) => {
        sessions.delete(name);
        ended.push(`${name} ${code}`);
      };
      return [name, { expiresAtMs: Date.parse(time), end }];
    }),
  );
  expiry = new TokenExpiry(sessions, Date.now);
  return { ended };
}

test('each ends at the second that its token names', () => {
  const { ended } = follow({
    first: '2026-11-20T09:00:01Z',
    second: '2026-11-20T09:00:02Z',
    never: '9999-01-01T00:00:00Z',
  });
  vi.setSystemTime(AT_MS);
  vi.advanceTimersByTime(599);
  expect(ended).toEqual([]);
  vi.advanceTimersByTime(10);
  expect(ended).toEqual(['first token_expired']);
  vi.advanceTimersByTime(980);
  expect(ended).toHaveLength(1);
  vi.advanceTimersByTime(20);
  expect(ended).toEqual(['first token_expired', 'second token_expired']);
  vi.advanceTimersByTime(24 * 3_600_000);
  expect(ended).toHaveLength(2);
});

test('a token that names a part of a second is not outlived', () => {
  const { ended } = follow({ between: '2026-11-20T09:00:02.700Z' });
  vi.advanceTimersByTime(1_500);
  expect(ended).toEqual([]);
  vi.advanceTimersByTime(110);
  expect(ended).toEqual(['between token_expired']);
});

test('nothing ends once it is closed', () => {
  const { ended } = follow({ first: '2026-11-20T09:00:01Z' });
  expiry?.close();
  vi.advanceTimersByTime(5_000);
  expect(ended).toEqual([]);
});
