/** What test/unit/edge/gateway/log-lives.test.ts does with a model, with real Redis that replicate, fail over and are restored. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, test } from 'vitest';
import fc from '../support/fast-check.ts';
import { anyLife, LogLife } from '../support/log-lives.ts';
import { RedisLog } from '../support/redis-log.ts';

let log: RedisLog;

beforeAll(async () => {
  log = await RedisLog.start();
});
afterAll(() => log.stop());

test('clients have all that the log holds in the end, once, or know what they lack', {
  timeout: 180_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(anyLife, async (steps) => {
      await log.clear();
      await new LogLife(log, { turn: () => pause(0) }).live(steps);
    }),
    { numRuns: 20, endOnFailure: true },
  );
});
