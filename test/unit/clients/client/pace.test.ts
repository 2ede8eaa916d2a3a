/** That the client's pace stays below what the server allows, whatever the network does to messages on their way. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { environment } from '../../../../src/clients/client/environment.ts';
import { DEFAULT_LIMITS } from '../../../../src/clients/client/limits.ts';
import { Pace } from '../../../../src/clients/client/pace.ts';
import { Allowance } from '../../../../src/edge/limits/token-bucket.ts';
import fc from '../../../support/fast-check.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('no message is one too many, however messages are delayed and bunched', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 6, max: 60 }),
      fc.double({ min: 0.5, max: 50, noNaN: true }),
      fc.array(fc.record({ idleMs: fc.nat(20_000), asked: fc.nat(60), stallMs: fc.nat(15_000) }), {
        minLength: 1,
        maxLength: 12,
      }),
      async (messagesAtOnce, messagesPerSecond, phases) => {
        const rate = { burst: messagesAtOnce, perSecond: messagesPerSecond };
        const allowance = new Allowance(rate, Date.now());
        // What begins the session.
        allowance.take(Date.now());
        const pace = new Pace(environment(), { ...DEFAULT_LIMITS, messagesAtOnce, messagesPerSecond });
        let stalledUntilMs = 0;
        let [refused, sent, asked] = [0, 0, 0];
        const arrive = () => {
          if (!allowance.take(Date.now())) refused += 1;
          sent += 1;
          pace.done();
        };
        for (const { idleMs, asked: more, stallMs } of phases) {
          await vi.advanceTimersByTimeAsync(idleMs);
          stalledUntilMs = Math.max(stalledUntilMs, Date.now() + stallMs);
          asked += more;
          for (let i = 0; i < more; i += 1) {
            void pace.take(false).then(() => setTimeout(arrive, Math.max(1, stalledUntilMs - Date.now())));
          }
        }
        while (sent < asked) await vi.advanceTimersByTimeAsync(60_000);
        expect(refused).toBe(0);
      },
    ),
    { numRuns: 150 },
  );
});

test('goes as fast as is allowed but for what else is sent, and lets the urgent pass', async () => {
  const pace = new Pace(environment(), { ...DEFAULT_LIMITS, messagesAtOnce: 20, messagesPerSecond: 10 });
  const gone: string[] = [];
  const take = (name: string, isUrgent = false) =>
    void pace.take(isUrgent).then(() => {
      gone.push(name);
      pace.done();
    });
  for (let i = 0; i < 100; i += 1) take(`${i}`);
  await vi.advanceTimersByTimeAsync(0);
  expect(gone).toHaveLength(9);
  take('urgent', true);
  await vi.advanceTimersByTimeAsync(1_000);
  expect([gone.length, gone[9]]).toEqual([18, 'urgent']);
});

test('what waits when the connection is lost fails, and leaves no timer', async () => {
  const pace = new Pace(environment(), { ...DEFAULT_LIMITS, messagesAtOnce: 1, messagesPerSecond: 0.1 });
  await pace.take(false);
  const waiting = [pace.take(false), pace.take(true)].map((turn) => turn.catch(({ message }) => message));
  pace.done();
  pace.end(new Error('lost'));
  expect(await Promise.all(waiting)).toEqual(['lost', 'lost']);
  expect(vi.getTimerCount()).toBe(0);
});
