/** Marks of two processes at once: what an answer says it has marked up to its heads is marked. */
import { expect, test } from 'vitest';
import { MemoryMarksStore } from '../../../../src/pipeline/inbox/marks-store.ts';
import { MemoryInbox } from '../../../../src/pipeline/inbox/memory-inbox.ts';
import { StoredInbox } from '../../../../src/pipeline/inbox/stored-inbox.ts';
import { entry, LONG_LIVED } from '../../../contract/inbox-contract.ts';

const AUDIENCES = ['user:ada', 'global'] as const;

test.for([
  { named: 'events', which: { events: [{ id: 'a', source: '/test' }] } },
  { named: 'ids', which: { ids: ['a'] } },
])('a copy that comes before the mark is tried again is marked too, by $named', async ({ which }) => {
  const inbox = new MemoryInbox({ limits: LONG_LIVED, now: Date.now, publish: () => 0 });
  const append = (audience: (typeof AUDIENCES)[number], id = 'a') =>
    inbox.append(audience, [entry(id, audience)]);
  const store = new MemoryMarksStore(() => {});
  let saves = 0;
  const userInbox = new StoredInbox({
    inbox,
    store: {
      load: (user) => store.load(user),
      save: async (user, version, changed, message) => {
        saves += 1;
        if (saves === 1) {
          // Another process is quicker, and the event's other copy comes.
          await store.save(user, version, new Map(), undefined);
          await append('global');
        }
        return await store.save(user, version, changed, message);
      },
    },
    kept: LONG_LIVED,
    maxAnswerBytes: 524_288,
    now: Date.now,
  });
  await append('global', 'before');
  await append('user:ada');
  const marked = await userInbox.mark('ada', AUDIENCES, { as: 'read', ...which }, '');
  expect(marked).toMatchObject({ ok: true, value: { unread: 1, heads: { 'user:ada': 1, global: 2 } } });
  expect(saves).toBe(2);
  expect(await userInbox.list('ada', AUDIENCES, { filter: 'unread', limit: 5 })).toMatchObject({
    value: { notifications: [{ id: 'before' }], unread: 1 },
  });
});
