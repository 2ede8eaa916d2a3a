/** The work that one request about an inbox can be: bounded, charged, and not done again for somebody else's marks. */
import { describe, expect, test } from 'vitest';
import type { Audience } from '../../../../src/contract/audience.ts';
import { EMPTY_HEAD } from '../../../../src/contract/notification.ts';
import { MemoryMarksStore } from '../../../../src/pipeline/inbox/marks-store.ts';
import { MemoryInbox } from '../../../../src/pipeline/inbox/memory-inbox.ts';
import { StoredInbox } from '../../../../src/pipeline/inbox/stored-inbox.ts';
import { InboxUnavailable } from '../../../../src/resilience/unavailable.ts';

const forAll = (number: number) => ({ user: number, department: number, topic: number, global: number });
const LENGTH = 1_000;
const MY_LOGS = Array.from({ length: 40 }, (_, i): Audience => `department:d${i}`);
const MAX_ENTRIES = 10_000;

class CountingInbox extends MemoryInbox {
  entries = 0;

  override async readEnvelopes(...range: Parameters<MemoryInbox['readEnvelopes']>) {
    const read = await super.readEnvelopes(...range);
    this.entries += read.length;
    return read;
  }
}

/** A user with so many departments, whose logs are full. */
async function setup(logs: number, entry: { readonly expiresAtMs?: number } = {}) {
  let nowMs = 1;
  const now = () => nowMs;
  const limits = { maxLength: forAll(LENGTH), maxAgeMs: forAll(1e9), dedupeMs: 1e9 };
  const inbox = new CountingInbox({ limits, publish: () => 0, now });
  const audiences = MY_LOGS.slice(0, logs);
  const store = new MemoryMarksStore(() => {});
  let searched = 0;
  let saves = 0;
  let conflicts = 0;
  const contested = {
    load: (user: string) => store.load(user),
    save: async (...what: Parameters<MemoryMarksStore['save']>) => {
      saves += 1;
      if (conflicts === 0) return await store.save(...what);
      conflicts -= 1;
      searched = inbox.entries;
      return false;
    },
  };
  const userInbox = new StoredInbox({
    inbox,
    store: contested,
    kept: limits,
    maxAnswerBytes: 524_288,
    now,
  });
  await userInbox.open('ada', new Map(audiences.map((audience) => [audience, EMPTY_HEAD])));
  for (let i = 1; i <= LENGTH; i += 1) {
    nowMs += 60_000;
    for (const audience of audiences) {
      const id = `e${i} of ${audience}`;
      const head = `{"id":"${id}","source":"/test","type":"t","audience":"${audience}","epoch":"`;
      const made = { source: '/test', id, text: { head, tail: '}' }, sampled: false };
      await inbox.append(audience, [{ ...made, ...entry }]);
    }
  }
  let cost = 0;
  const meter = {
    spend: (units: number) => {
      cost += units;
    },
  };
  return {
    userInbox,
    audiences,
    meter,
    get cost() {
      return cost;
    },
    get read() {
      return inbox.entries;
    },
    get saves() {
      return saves;
    },
    get readAtConflict() {
      return searched;
    },
    /** Somebody else saves first so many times. */
    contest: (times: number) => {
      conflicts = times;
      saves = 0;
    },
  };
}

describe('marking', () => {
  test('what is nowhere looks through so many entries at most, and all are charged', async () => {
    const own = await setup(40);
    const { userInbox, audiences, meter } = own;
    const marked = await userInbox.mark('ada', audiences, { as: 'read', ids: ['nowhere'] }, '', meter);
    expect(marked).toMatchObject({ ok: true });
    expect(own.read).toBeLessThan(2 * MAX_ENTRIES);
    expect(own.cost).toBeGreaterThan(own.read);
  });

  test('what is among the newest of many logs reads little of each', async () => {
    const own = await setup(40);
    const { userInbox, audiences, meter } = own;
    await userInbox.mark('ada', audiences, { as: 'read', ids: ['e995 of department:d7'] }, '', meter);
    expect(own.read).toBeLessThan(5_000);
  });

  test('begins again when somebody else was first, without a second search', async () => {
    const own = await setup(1);
    own.contest(1);
    await own.userInbox.mark('ada', own.audiences, { as: 'read', ids: ['nowhere'] }, '', own.meter);
    expect(own.saves).toBe(2);
    expect(own.read - own.readAtConflict).toBeLessThanOrEqual(200);
  });

  test('gives up when somebody else is always first, after a few attempts that are charged', async () => {
    const own = await setup(1);
    own.contest(1_000);
    const marking = own.userInbox.mark('ada', own.audiences, { as: 'read', all: true }, '', own.meter);
    await expect(marking).rejects.toThrow(InboxUnavailable);
    expect(own.saves).toBeLessThanOrEqual(8);
    expect(own.cost).toBeGreaterThanOrEqual(700);
  });

  test('by many devices at once does not get in its own way', async () => {
    const own = await setup(1);
    own.contest(0);
    const ids = Array.from({ length: 30 }, (_, i) => [`e${i + 900} of department:d0`]);
    await Promise.all(
      ids.map((some) => own.userInbox.mark('ada', own.audiences, { as: 'read', ids: some }, '')),
    );
    expect(own.saves).toBe(30);
  });
});

test('a page of logs that hold nothing to be shown ends, and the next goes on behind it', async () => {
  const own = await setup(40, { expiresAtMs: 2 });
  let before: string | undefined;
  let pages = 0;
  do {
    const readBefore = own.read;
    const query = { filter: 'all', limit: 50, before } as const;
    const page = await own.userInbox.list('ada', own.audiences, query, own.meter);
    if (!page.ok) throw new Error(page.refusal.message);
    expect(page.value.notifications).toEqual([]);
    expect(own.read - readBefore).toBeLessThan(3 * MAX_ENTRIES);
    before = page.value.next;
    pages += 1;
  } while (before !== undefined && pages < 20);
  expect(before).toBeUndefined();
  expect(pages).toBeGreaterThan(1);
});
