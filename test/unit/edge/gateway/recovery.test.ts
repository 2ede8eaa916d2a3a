/** What a client missed since its cursor: whole or not at all, and free when there is nothing new. */
import { describe, expect, test } from 'vitest';
import { type Cursor, EMPTY_HEAD, notificationSchema } from '../../../../src/contract/notification.ts';
import {
  NO_DELIVERY_OBSERVERS,
  type RecoveryResult,
} from '../../../../src/edge/gateway/delivery-observer.ts';
import { type AnswerBudget, recover } from '../../../../src/edge/gateway/recovery.ts';
import { Portion } from '../../../../src/pipeline/inbox/answer-size.ts';
import type { Inbox, Stored } from '../../../../src/pipeline/inbox/inbox.ts';
import { parseIncarnations } from '../../../../src/pipeline/inbox/incarnations.ts';
import { InboxUnavailable } from '../../../../src/resilience/unavailable.ts';

const audience = 'user:1';
const HEAD = { epoch: 'b', offset: 10 };
const PLACE = { epoch: 'b', head: 10 };
const MISSING = { ...PLACE, recovered: false, notifications: [] };

/** An answer with room for so many bytes. */
const answerOf = (maxBytes = 1e6, isPartial = false) => ({
  portion: new Portion(maxBytes),
  meter: { spend: () => {} },
  isPartial,
});

function stored(offset: number, expiresAtMs?: number): Stored {
  const json = JSON.stringify({
    id: `e${offset}`,
    source: '/test',
    type: 'test.made',
    time: '2026-11-20T09:00:00Z',
    audience,
    epoch: 'b',
    offset,
    severity: 'info',
    data: {},
  });
  const entry = { epoch: 'b', offset, json, appendedAtMs: 0 };
  return expiresAtMs === undefined ? entry : { ...entry, expiresAtMs };
}

/** A log that holds these offsets, and says what it was asked. */
function fakeInbox(entries: readonly Stored[], epochs = 'b:6,a:1') {
  const asked: string[] = [];
  const never = () => Promise.reject(new Error('recovery has no use for this'));
  const inbox: Inbox = {
    append: never,
    heads: never,
    fence: never,
    readNewest: never,
    readEnvelopes: never,
    places: never,
    shadows: never,
    read: async (_audience, first, last) => {
      asked.push(`read ${first}-${last}`);
      return entries.filter(({ offset }) => offset >= first && offset <= last);
    },
    incarnations: async () => {
      asked.push('incarnations');
      return parseIncarnations(epochs);
    },
  };
  const told: [RecoveryResult, number][] = [];
  const observers = {
    recovered: (result: RecoveryResult, count: number) => void told.push([result, count]),
  };
  return { inbox, asked, told, observers };
}

const upTo = (last: number, first = 1) =>
  Array.from({ length: last - first + 1 }, (_, i) => stored(first + i));

async function recovered(
  fake: ReturnType<typeof fakeInbox>,
  cursor: Cursor,
  head: Cursor = HEAD,
  answer: AnswerBudget = answerOf(),
) {
  const missed = await recover(
    { inbox: fake.inbox, maxNotifications: 5, observers: fake.observers, now: Date.now },
    audience,
    cursor,
    head,
    answer,
  );
  return { ...missed, notifications: missed.notifications.map(({ offset }) => offset) };
}

describe('recovered', () => {
  test('nothing new: the store is not asked at all', async () => {
    const fake = fakeInbox(upTo(10));
    expect(await recovered(fake, HEAD)).toEqual({ ...PLACE, recovered: true, notifications: [] });
    expect(fake.asked).toEqual([]);
  });

  test('what lies between, in order, up to the head and no further', async () => {
    const fake = fakeInbox(upTo(12));
    expect(await recovered(fake, { epoch: 'b', offset: 7 })).toEqual({
      ...PLACE,
      recovered: true,
      notifications: [8, 9, 10],
    });
    expect(fake.asked).toEqual(['read 8-10']);
  });

  test('as many as the limit', async () => {
    const { notifications } = await recovered(fakeInbox(upTo(10)), { epoch: 'b', offset: 5 });
    expect(notifications).toEqual([6, 7, 8, 9, 10]);
  });

  test('the notifications themselves, as they were published', async () => {
    const { inbox } = fakeInbox(upTo(10));
    const { notifications } = await recover(
      { inbox, maxNotifications: 5, observers: NO_DELIVERY_OBSERVERS, now: Date.now },
      audience,
      { epoch: 'b', offset: 9 },
      HEAD,
      answerOf(),
    );
    expect(notifications.map(({ at: _, ...rest }) => rest)).toEqual([
      notificationSchema.parse(JSON.parse(stored(10).json)),
    ]);
  });

  test('without the expired', async () => {
    const hourMs = 3_600_000;
    const entries = [stored(8, Date.now() - 1), stored(9, Date.now() + hourMs), stored(10, 1)];
    expect(await recovered(fakeInbox(entries), { epoch: 'b', offset: 7 })).toEqual({
      ...PLACE,
      recovered: true,
      notifications: [9],
    });
  });

  test.for<[string, Cursor, string, number[]]>([
    ['an earlier epoch, before the next began', { epoch: 'a', offset: 8 }, 'b:9,a:1', [9, 10]],
    ['an earlier epoch, at the very end of it', { epoch: 'a', offset: 10 }, 'b:11,a:1', []],
    ['several epochs ago', { epoch: 'a', offset: 6 }, 'b:9,c:7,a:1', [7, 8, 9, 10]],
  ])('%s', async ([, cursor, epochs, offsets]) => {
    const fake = fakeInbox(upTo(10), epochs);
    expect(await recovered(fake, cursor)).toEqual({ ...PLACE, recovered: true, notifications: offsets });
  });

  test('all of a log that was not written yet when the client was here', async () => {
    const head = { epoch: 'b', offset: 3 };
    expect(await recovered(fakeInbox(upTo(3), 'b:1'), EMPTY_HEAD, head)).toEqual({
      epoch: 'b',
      head: 3,
      recovered: true,
      notifications: [1, 2, 3],
    });
  });

  test('a log that has not been written even now', async () => {
    const fake = fakeInbox([], '');
    expect(await recovered(fake, EMPTY_HEAD, EMPTY_HEAD)).toEqual({
      epoch: '0',
      head: 0,
      recovered: true,
      notifications: [],
    });
    expect(fake.asked).toEqual([]);
  });
});

test.for<[string, Cursor, readonly Stored[], RecoveryResult, number]>([
  ['nothing new', HEAD, upTo(10), 'current', 0],
  ['an older epoch that ended at the head', { epoch: 'a', offset: 10 }, upTo(10), 'current', 0],
  [
    'three and one of them expired',
    { epoch: 'b', offset: 7 },
    [...upTo(9, 8), stored(10, 1)],
    'recovered',
    2,
  ],
  ['more than the limit', { epoch: 'b', offset: 4 }, upTo(10), 'too_many', 0],
  ['trimmed', { epoch: 'b', offset: 7 }, [], 'lost', 0],
  ['ahead of the log', { epoch: 'b', offset: 11 }, upTo(10), 'lost', 0],
  ['an epoch that nobody knows', { epoch: 'f', offset: 9 }, upTo(10), 'lost', 0],
])('counted once: %s', async ([, cursor, entries, result, count]) => {
  const fake = fakeInbox(entries, 'b:11,a:1');
  await recovered(fake, cursor);
  expect(fake.told).toEqual([[result, count]]);
});

describe('not recovered', () => {
  test.for<[string, Cursor, readonly Stored[], string[]]>([
    ['more than the limit', { epoch: 'b', offset: 4 }, upTo(10), []],
    ['a cursor ahead of the log', { epoch: 'b', offset: 11 }, upTo(10), []],
    ['a huge cursor', { epoch: 'b', offset: Number.MAX_SAFE_INTEGER }, upTo(10), []],
    ['trimmed at the old end', { epoch: 'b', offset: 7 }, upTo(10, 9), ['read 8-10']],
    ['trimmed to nothing', { epoch: 'b', offset: 7 }, [], ['read 8-10']],
    ['an earlier epoch, in what was lost', { epoch: 'a', offset: 6 }, upTo(10), ['incarnations']],
    [
      'an earlier epoch, lost, and as far as the head',
      { epoch: 'a', offset: 10 },
      upTo(10),
      ['incarnations'],
    ],
    ['an epoch that nobody knows', { epoch: 'f', offset: 9 }, upTo(10), ['incarnations']],
    ['never written, and yet a place in it', { epoch: '0', offset: 9 }, upTo(10), ['incarnations']],
  ])('%s', async ([, cursor, entries, asked]) => {
    const fake = fakeInbox(entries);
    const reason = expect.stringMatching(/^(lost|too_many)$/);
    expect(await recovered(fake, cursor)).toEqual({ ...MISSING, reason });
    expect(fake.asked).toEqual(asked);
  });

  test('a store that is away is an error, and no claim about what was missed', async () => {
    const away = () => Promise.reject(new InboxUnavailable('Redis is away'));
    const inbox: Inbox = { ...fakeInbox([]).inbox, read: away, incarnations: away };
    for (const epoch of ['a', 'b']) {
      await expect(
        recover(
          { inbox, maxNotifications: 5, observers: NO_DELIVERY_OBSERVERS, now: Date.now },
          audience,
          { epoch, offset: 9 },
          HEAD,
          answerOf(),
        ),
      ).rejects.toThrow(InboxUnavailable);
    }
  });
});
