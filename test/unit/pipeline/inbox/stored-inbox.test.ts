/** A store that goes away in the middle of a page fails that page, and nothing else. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Inbox } from '../../../../src/pipeline/inbox/inbox.ts';
import { MemoryMarksStore } from '../../../../src/pipeline/inbox/marks-store.ts';
import { StoredInbox } from '../../../../src/pipeline/inbox/stored-inbox.ts';
import { InboxUnavailable } from '../../../../src/resilience/unavailable.ts';

const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
const others = process.listeners('unhandledRejection');

beforeEach(() => {
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', note);
});
afterEach(() => {
  process.off('unhandledRejection', note);
  for (const other of others) process.on('unhandledRejection', other);
});

const TEN = { user: 10, department: 10, topic: 10, global: 10 };

/** Everything was there until the heads had been read. */
function inboxThatGoesAway(): Inbox {
  const away = async () => Promise.reject(new InboxUnavailable('Redis is away'));
  return {
    heads: async (audiences) => audiences.map(() => ({ epoch: 'a', offset: 10 })),
    append: away,
    fence: away,
    read: away,
    readNewest: away,
    readEnvelopes: away,
    places: away,
    shadows: away,
    incarnations: away,
  };
}

test('it rejects once, and leaves no rejection behind that would end the process', async () => {
  const inbox = new StoredInbox({
    inbox: inboxThatGoesAway(),
    store: new MemoryMarksStore(() => {}),
    kept: { maxLength: TEN, maxAgeMs: TEN, dedupeMs: 10 },
    maxAnswerBytes: 524_288,
    now: Date.now,
  });
  const audiences = ['user:ada', 'global'] as const;
  await expect(inbox.list('ada', audiences, { filter: 'all', limit: 5 })).rejects.toThrow(InboxUnavailable);
  await expect(inbox.mark('ada', audiences, { as: 'read', ids: ['x'] }, '')).rejects.toThrow(
    InboxUnavailable,
  );
  // Node tells of unhandled rejections behind this turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled).toEqual([]);
});
