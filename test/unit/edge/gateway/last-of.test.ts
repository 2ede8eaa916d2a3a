/** The last so many of a log, up to where a feed stands: what it still holds, without the expired. */
import { describe, expect, test } from 'vitest';
import type { Cursor } from '../../../../src/contract/notification.ts';
import { lastOf } from '../../../../src/edge/gateway/recovery.ts';
import { Portion } from '../../../../src/pipeline/inbox/answer-size.ts';
import { MemoryInbox } from '../../../../src/pipeline/inbox/memory-inbox.ts';

const AUDIENCE = 'topic:x';
const EXPIRED_MS = 1;
const refuse = () => Promise.reject(new Error('of no use here'));
const forAll = (number: number) => ({ user: number, department: number, topic: number, global: number });

/** A log with entries 1, 2, 3 …: what `expiryOf` gives a number for expires then. */
async function filled(
  count: number,
  {
    maxLength = 1_000,
    maxAgeMs = 60_000,
    expiryOf = (_: number): number | undefined => undefined,
    maxBytes = 1e6,
  } = {},
) {
  let nowMs = 0;
  const limits = { maxLength: forAll(maxLength), maxAgeMs: forAll(maxAgeMs), dedupeMs: 60_000 };
  const inbox = new MemoryInbox({ limits, publish: () => 0, now: () => nowMs });
  for (let n = 1; n <= count; n += 1) {
    nowMs += 1_000;
    const text = { head: `{"id":"${n}","source":"/test","type":"t","epoch":"`, tail: '}' };
    await inbox.append(AUDIENCE, [
      { source: '/test', id: `${n}`, text, sampled: false, expiresAtMs: expiryOf(n) },
    ]);
  }
  const reads: number[] = [];
  const readNewest: MemoryInbox['readNewest'] = (audience, first, last, limit) => {
    reads.push(limit);
    return inbox.readNewest(audience, first, last, limit);
  };
  const [head = { epoch: '0', offset: 0 }] = await inbox.heads([AUDIENCE]);
  const observers = { recovered: () => expect.unreachable('nobody has come back') };
  const of = async (last: number, at: Cursor = head) => {
    const { notifications, ...place } = await lastOf(
      {
        inbox: { read: refuse, incarnations: refuse, readNewest },
        maxNotifications: 5,
        observers,
        now: Date.now,
      },
      AUDIENCE,
      last,
      at,
      { portion: new Portion(maxBytes), meter: undefined, isPartial: false },
    );
    return { ...place, offsets: notifications.map(({ offset }) => offset) };
  };
  return { head, reads, of };
}

test('in order, up to the head', async () => {
  const { head, reads, of } = await filled(10);
  expect(await of(3)).toEqual({ epoch: head.epoch, head: 10, recovered: true, offsets: [8, 9, 10] });
  expect(reads).toEqual([3]);
});

test('none that came behind the place where the feed stands: those come live', async () => {
  const { head, of } = await filled(10);
  expect(await of(3, { ...head, offset: 8 })).toMatchObject({ head: 8, offsets: [6, 7, 8] });
});

test.for<[string, Parameters<typeof filled>, number[]]>([
  ['a shorter log', [3], [1, 2, 3]],
  ['a log trimmed by length', [10, { maxLength: 2 }], [9, 10]],
  ['a log trimmed by age', [10, { maxAgeMs: 2_500 }], [8, 9, 10]],
])('fewer of %s', async ([, log, offsets]) => {
  const { of } = await filled(...log);
  expect(await of(5)).toMatchObject({ recovered: true, offsets });
});

test('none of a log that was never written, which is not read', async () => {
  const { reads, of } = await filled(0);
  expect(await of(5)).toEqual({ epoch: '0', head: 0, recovered: true, offsets: [] });
  expect(reads).toEqual([]);
});

describe('the expired', () => {
  test('do not count', async () => {
    const { of } = await filled(20, { expiryOf: (n) => (n % 3 === 0 ? undefined : EXPIRED_MS) });
    expect(await of(5)).toMatchObject({ offsets: [6, 9, 12, 15, 18] });
  });

  test('are passed over only so far: a log full of them is not read as a whole', async () => {
    const { reads, of } = await filled(200, { expiryOf: (n) => (n === 1 ? undefined : EXPIRED_MS) });
    expect(await of(1)).toMatchObject({ recovered: true, offsets: [] });
    expect(reads).toEqual([1, ...Array(10).fill(5)]);
  });
});
