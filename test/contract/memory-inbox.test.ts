/** The inbox's contract, kept by the one in memory. */
import { MemoryInbox } from '../../src/pipeline/inbox/memory-inbox.ts';
import { describeInbox, MAX_AGE_MS, toLiveMessages } from './inbox-contract.ts';

describeInbox('memory inbox', async (limits) => {
  const published = new Map<string, Buffer[]>();
  let nowMs = 1_000_000;
  const open = () =>
    new MemoryInbox({
      limits,
      now: () => nowMs,
      publish: (audience, message) => {
        if (audience === 'user:nobody') return 0;
        published.set(audience, [...(published.get(audience) ?? []), message]);
        return 1;
      },
    });
  let inbox = open();
  return {
    get inbox() {
      return inbox;
    },
    published: async (audience) => toLiveMessages(published.get(audience) ?? []),
    // Its process ended, and with it everything that it kept.
    loseTrust: async () => {
      inbox = open();
    },
    age: async () => {
      nowMs += MAX_AGE_MS;
    },
    close: async () => {},
  };
});
