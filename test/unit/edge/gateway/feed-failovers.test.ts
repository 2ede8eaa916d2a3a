/**
 * A store may die after it has published and before it has answered, and what follows it may not have what was
 * appended: then the consumer appends it again. Members get each event once all the same, and are told of nothing.
 */
import { expect, test } from 'vitest';
import fc from '../../../support/fast-check.ts';
import { FakeLog, feedOn } from './fake-log.ts';

const anyAppend = fc.record({
  /** What becomes of each message on its way to the feed. */
  fates: fc.array(fc.constantFrom('arrives', 'is lost', 'comes late'), { minLength: 1, maxLength: 3 }),
  /** What becomes of the store that appended it. */
  store: fc.constantFrom('stays', 'is followed', 'is followed by one that lacks it'),
});

test('each event comes once, in order, and nobody hears that anything was lost', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(anyAppend, { maxLength: 8 }), async (scheduler, appends) => {
      const turn = (label: string) => scheduler.schedule(Promise.resolve(), label);
      const log = new FakeLog();
      log.fill('a', 2);
      const { feed, enter } = feedOn(log);
      await feed.opened;
      log.delay = () => turn('the log answers');
      const { told } = enter('the member');
      let epoch = 'a';

      const publish = async (fates: readonly string[], ids: readonly string[]) => {
        const messages = ids.map((id) => log.add(epoch, id));
        for (const [i, message] of messages.entries()) {
          await turn(`a message ${fates[i]}`);
          if (fates[i] === 'arrives') feed.receive(message);
          if (fates[i] === 'comes late') void turn('it comes later').then(() => feed.receive(message));
        }
      };
      const run = async () => {
        for (const { fates, store } of appends) {
          const first = log.head.offset + 1;
          const ids = fates.map((_, i) => `event ${first + i}`);
          await publish(fates, ids);
          if (store !== 'stays') epoch = String.fromCharCode(epoch.charCodeAt(0) + 1);
          if (store !== 'is followed by one that lacks it') continue;
          log.lose(first);
          await turn('the consumer tries again');
          await publish(fates.toReversed(), ids);
        }
        await turn('the last message arrives');
        feed.receive(log.add(epoch));
      };
      const all = run();
      await scheduler.waitIdle();
      await all;

      expect(told).toEqual(Array.from({ length: log.head.offset - 2 }, (_, i) => 3 + i));
    }),
    { numRuns: 1_000 },
  );
});
