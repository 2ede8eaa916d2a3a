/** Whatever becomes of the machines that have a log, clients have all that it holds in the end, once, or were told. */
import { test } from 'vitest';
import fc from '../../../support/fast-check.ts';
import { anyLife, LogLife } from '../../../support/log-lives.ts';
import { ModelLog } from '../../../support/model-log.ts';

test('in any order, and whenever the log answers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), anyLife, async (scheduler, steps) => {
      const turn = async (what: string) => void (await scheduler.schedule(Promise.resolve(), what));
      const log = new ModelLog();
      log.delay = () => turn('the log answers');
      const living = new LogLife(log, { turn }).live(steps);
      await scheduler.waitFor(living);
    }),
    { numRuns: 2_000 },
  );
});
