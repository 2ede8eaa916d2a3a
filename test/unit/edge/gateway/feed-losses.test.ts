/** Whatever the transport loses, doubles or delays, and whenever the log answers, members get each offset once. */
import { expect, test } from 'vitest';
import fc from '../../../support/fast-check.ts';
import { FakeLog, feedOn } from './fake-log.ts';

/** What becomes of a message between the log and the feed. Only the last is sure to arrive. */
const anyFate = fc.constantFrom('arrives', 'is lost', 'comes twice', 'comes late');

test('members get everything after their cursor, in order, without hole or repeat', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(anyFate, { maxLength: 25 }),
      fc.nat(3),
      fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }),
      async (scheduler, fates, before, entersAfter) => {
        const turn = (label: string) => scheduler.schedule(Promise.resolve(), label);
        const log = new FakeLog();
        if (before > 0) log.fill('a', before);
        log.delay = () => turn('the log answers');
        let subscribed = false;
        const { feed, enter } = feedOn(log, async () => {
          await turn('the subscription is in force');
          subscribed = true;
          await turn('the feed is told so');
        });
        const members: ReturnType<typeof enter>[] = [];

        const append = async () => {
          for (const fate of fates) {
            await turn(`a message ${fate}`);
            const message = log.add('a');
            // What was published before there was a subscription is never received.
            if (fate === 'is lost' || !subscribed) continue;
            if (fate !== 'comes late') feed.receive(message);
            if (fate !== 'arrives') void turn('it comes later').then(() => feed.receive(message));
          }
          await feed.opened;
          await turn('the last message arrives');
          feed.receive(log.add('a'));
        };
        const join = async (turns: number, i: number) => {
          await feed.opened;
          for (let waited = 0; waited < turns; waited += 1) await turn('a member waits');
          members.push(enter(`member ${i}`));
        };
        const all = Promise.all([append(), ...entersAfter.map(join)]);
        await scheduler.waitIdle();
        await all;

        const last = before + fates.length + 1;
        expect(members).toHaveLength(entersAfter.length);
        for (const { cursor, told } of members) {
          const expected = Array.from({ length: last - cursor.offset }, (_, i) => cursor.offset + 1 + i);
          expect(told).toEqual(expected);
        }
      },
    ),
    { numRuns: 500 },
  );
});
