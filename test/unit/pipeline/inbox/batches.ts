/** AppendQueue over an inbox whose appends end as a test decides, for the tests of append queue. */
import { expect, vi } from 'vitest';
import type { Audience } from '../../../../src/contract/audience.ts';
import { AppendQueue } from '../../../../src/pipeline/inbox/append-queue.ts';
import type { Appended, Entry, Inbox } from '../../../../src/pipeline/inbox/inbox.ts';
import { InboxUnavailable } from '../../../../src/resilience/unavailable.ts';

/** One append call as the inbox sees it; the test decides how it ends. */
interface Batch {
  readonly audience: Audience;
  readonly ids: readonly string[];
  readonly succeed: (appended?: readonly Appended[]) => void;
  readonly fail: (error: Error) => void;
}

/** `batchBytes`: how much the inbox takes at a time; left out: anything. */
export function setup(batchBytes?: () => number) {
  const batches: Batch[] = [];
  const held: unknown[] = [];
  const inbox: Inbox = {
    append: (audience, entries) =>
      new Promise((resolve, reject) => {
        const places = entries.map(({ id }) => placeOf(Number(id)));
        batches.push({
          audience,
          ids: entries.map(({ id }) => id),
          succeed: (appended = places) => resolve(appended),
          fail: reject,
        });
      }),
    heads: async () => [],
    fence: () => Promise.reject(new Error('the append queue has no use for this')),
    read: async () => [],
    readNewest: async () => [],
    readEnvelopes: async () => [],
    places: async () => [],
    shadows: async () => ({ newest: new Map(), retracted: new Map() }),
    incarnations: async () => [],
    ...(batchBytes === undefined ? {} : { batchBytes }),
  };
  const appendQueue = new AppendQueue(inbox, (error) => held.push(error));
  return {
    appendQueue,
    batches,
    held,
    append: (audience: Audience, id: number, { bytes = 0, isWide = false } = {}) =>
      appendQueue.append(audience, entryOf(id, bytes), isWide),
    /** The batch that began last. */
    latest: () => batches.at(-1) ?? expect.unreachable('there was no flight'),
  };
}

function entryOf(id: number, bytes: number): Entry {
  return { source: '/test', id: String(id), text: { head: '', tail: 'x'.repeat(bytes) }, sampled: false };
}

export function placeOf(offset: number): Appended {
  return { epoch: 'e', offset, repeat: false, gateways: 1 };
}

export const away = () => new InboxUnavailable('Redis is away');
/** Lets everything happen that needs no time. */
export const settle = () => vi.advanceTimersByTimeAsync(0);
/** Longer than any pause between two attempts. */
export const pause = () => vi.advanceTimersByTimeAsync(2_000);

/** What became of a promise so far. */
export function outcomeOf(promise: Promise<Appended>): { state: string } {
  const outcome = { state: 'pending' };
  promise.then(
    ({ offset }) => Object.assign(outcome, { state: `at ${offset}` }),
    (error) => Object.assign(outcome, { state: `rejected: ${error.message}` }),
  );
  return outcome;
}
