/** Counting reads what may be unread, and nothing else. */
import { expect, test } from 'vitest';
import type { Audience } from '../../../../src/contract/audience.ts';
import { EMPTY_HEAD } from '../../../../src/contract/notification.ts';
import { MemoryMarksStore } from '../../../../src/pipeline/inbox/marks-store.ts';
import { MemoryInbox } from '../../../../src/pipeline/inbox/memory-inbox.ts';
import { StoredInbox } from '../../../../src/pipeline/inbox/stored-inbox.ts';
import { entry, LIMITS } from '../../../contract/inbox-contract.ts';

const ME: Audience = 'user:ada';

class CountingInbox extends MemoryInbox {
  reads = 0;

  override async readEnvelopes(...range: Parameters<MemoryInbox['readEnvelopes']>) {
    this.reads += 1;
    return await super.readEnvelopes(...range);
  }
}

/** A log that keeps ten entries, and has been given so many. */
async function logOf(length: number) {
  const forAll = { user: 10, department: 10, topic: 10, global: 10 };
  const limits = { ...LIMITS, maxLength: forAll };
  const inbox = new CountingInbox({ limits, now: Date.now, publish: () => 0 });
  const store = new MemoryMarksStore(() => {});
  const userInbox = new StoredInbox({ inbox, store, kept: limits, maxAnswerBytes: 524_288, now: Date.now });
  const append = async (count: number, from = 0) => {
    const entries = Array.from({ length: count }, (_, i) => entry(`e${from + i}`, ME));
    await inbox.append(ME, entries);
  };
  await append(length);
  const open = async () => {
    const [head = EMPTY_HEAD] = await inbox.heads([ME]);
    inbox.reads = 0;
    const { unseen, unread } = (await userInbox.open('ada', new Map([[ME, head]]))).counted;
    return { unseen, unread, reads: inbox.reads };
  };
  const mark = (as: 'seen' | 'read') => userInbox.mark('ada', [ME], { as, all: true }, '');
  return { append, open, mark };
}

test.for([5, 25])('of a log with %i entries, all read, nothing is read', async (length) => {
  const { open, mark } = await logOf(length);
  await mark('read');
  expect(await open()).toEqual({ unseen: 0, unread: 0, reads: 0 });
});

test('what was seen and not read is counted', async () => {
  const { open, mark } = await logOf(25);
  await mark('seen');
  expect(await open()).toMatchObject({ unseen: 0, unread: 10 });
});

test('what has come since is counted, and a full log as far as it goes', async () => {
  const { append, open, mark } = await logOf(25);
  await mark('read');
  await append(3, 100);
  expect(await open()).toMatchObject({ unseen: 3, unread: 3 });
  await append(20, 200);
  expect(await open()).toMatchObject({ unseen: 10, unread: 10 });
});
