/** The client's view of the inbox: marks in the order of their versions, own ones at once, pages, counts. */
import { describe, expect, test } from 'vitest';
import { markParts, requestLater } from '../../../../src/clients/client/inbox-items.ts';
import { InboxState } from '../../../../src/clients/client/inbox-state.ts';
import { DEFAULT_LIMITS } from '../../../../src/clients/client/limits.ts';
import type { InboxItem } from '../../../../src/clients/client/notification.ts';
import fc from '../../../support/fast-check.ts';

const NOW = Date.parse('2026-11-20T09:00:00Z');

function item(offset: number, more: Partial<InboxItem> = {}): InboxItem {
  return {
    id: String(offset),
    source: '/test',
    type: 'test',
    time: '2026-11-20T09:00:00Z',
    audience: 'user:1',
    epoch: 'a',
    offset,
    severity: 'info',
    data: {},
    seen: false,
    read: false,
    archived: false,
    ...more,
  };
}

/** A state that has read items with these offsets, newest first. */
function setup(offsets: readonly number[] = [3, 2, 1], next?: string) {
  let nowMs = NOW;
  const reached: Record<string, number> = {};
  const state = new InboxState({ now: () => nowMs, reached: () => ({ ...reached }) });
  const add = (one: InboxItem) => {
    reached[one.audience] = Math.max(one.offset, reached[one.audience] ?? 0);
    state.add(one);
  };
  for (const offset of offsets) reached['user:1'] = Math.max(offset, reached['user:1'] ?? 0);
  load(
    state,
    offsets.map((offset) => item(offset)),
    next,
  );
  return {
    state,
    add,
    reached,
    setNow: (ms: number) => {
      nowMs = ms;
    },
    counts: () => {
      const { unseen, unread } = state.snapshot();
      return [unseen, unread];
    },
    /** `1sra` is seen, read and archived. */
    list: () =>
      state.snapshot().list.map(({ id, seen, read }) => `${id}${seen ? 's' : ''}${read ? 'r' : ''}`),
  };
}

function load(state: InboxState, notifications: InboxItem[], next?: string, isFirst = true) {
  const unseen = notifications.filter(({ seen }) => !seen).length;
  const unread = notifications.filter(({ read }) => !read).length;
  const page = { notifications, unseen, unread, ...(next === undefined ? {} : { next }) };
  state.finish(state.beginLoad(), page, isFirst);
}

const pendingOf = (as: 'seen' | 'read' | 'unread' | 'archived', ids: string[]) => ({ as, ids, isAll: false });

describe('marks of this client', () => {
  test('show at once, and are corrected by the answer', () => {
    const { state, list, counts } = setup();
    const pending = pendingOf('read', ['2']);
    state.pend(pending);
    expect([list(), counts()]).toEqual([
      ['3', '2sr', '1'],
      [2, 2],
    ]);
    state.apply(pending, { version: 1, unseen: 7, unread: 9 }, false);
    state.unpend(pending);
    expect([list(), counts()]).toEqual([
      ['3', '2sr', '1'],
      [7, 9],
    ]);
  });

  test('that the server refuses are taken back', () => {
    const { state, list, counts } = setup();
    const pending = pendingOf('archived', ['2']);
    state.pend(pending);
    expect([list(), counts()]).toEqual([
      ['3', '1'],
      [2, 2],
    ]);
    state.unpend(pending);
    expect([list(), counts()]).toEqual([
      ['3', '2', '1'],
      [3, 3],
    ]);
  });

  test('of all leave nothing unseen, also of what is not here, except what came after', () => {
    const { state, add, list, counts } = setup();
    state.begin({ unseen: 80, audiences: { 'user:1': { epoch: 'a', head: 3 } } });
    state.pend({ as: 'seen', upTo: { 'user:1': 3 }, isAll: true });
    add(item(4));
    expect([list(), counts()]).toEqual([
      ['4', '3s', '2s', '1s'],
      [1, 4],
    ]);
  });

  test('follow each other', () => {
    const { state, list } = setup([1]);
    state.pend(pendingOf('archived', ['1']));
    state.pend(pendingOf('unread', ['1']));
    expect(list()).toEqual(['1s']);
    state.pend(pendingOf('archived', ['1']));
    expect(list()).toEqual([]);
  });

  test('are asked for in parts that the server takes', () => {
    const ids = Array.from({ length: 1_001 }, (_, i) => String(i));
    const parts = markParts('read', ids, {}, DEFAULT_LIMITS);
    expect(parts.map(({ request }) => request.ids?.length)).toEqual([500, 500, 1]);
    expect(parts.flatMap(({ request }) => request.ids ?? [])).toEqual(ids);
    expect(markParts('read', [], {}, DEFAULT_LIMITS)).toEqual([]);
    expect(markParts('seen', 'all', { global: 1 }, DEFAULT_LIMITS)).toEqual([
      { pending: { as: 'seen', upTo: { global: 1 }, isAll: true }, request: { as: 'seen', all: true } },
    ]);
  });

  test('of all, sent in a later session, mean what the user saw and no more', () => {
    const [all] = markParts('read', 'all', { global: 5, 'user:1': 9, 'department:left': 3 }, DEFAULT_LIMITS);
    const place = (head: number) => ({ epoch: 'a', head });
    const heads = { global: place(8), 'user:1': place(2), 'department:new': place(4) };
    const upTo = { global: 5, 'user:1': 2, 'department:new': 0 };
    expect(all && requestLater(all, heads)).toEqual({ as: 'read', upTo });
    const [some] = markParts('read', ['a'], {}, DEFAULT_LIMITS);
    expect(some && requestLater(some, heads)).toEqual({ as: 'read', ids: ['a'] });
  });
});

describe('marks of other devices', () => {
  test('that are older than what is known change neither that nor the counts', () => {
    const { state, list, counts } = setup([2, 1]);
    state.apply({ as: 'unread', ids: ['1'] }, { version: 5, unseen: 1, unread: 1 }, false);
    state.apply({ as: 'read', ids: ['1', '2'] }, { version: 4, unseen: 0, unread: 0 }, false);
    expect([list(), counts()]).toEqual([
      ['2sr', '1s'],
      [1, 1],
    ]);
  });

  test('reach up to their offsets in their audiences', () => {
    const { state, add, list } = setup();
    add(item(9, { audience: 'global' }));
    state.apply(
      { as: 'seen', upTo: { 'user:1': 2, global: 8 } },
      { version: 1, unseen: 2, unread: 4 },
      false,
    );
    expect(list()).toEqual(['9', '3', '2s', '1s']);
  });

  test('come with versions that begin anew after the server has lost them', () => {
    const { state, list, counts } = setup([1]);
    state.apply({ as: 'read', ids: ['1'] }, { version: 9, unseen: 0, unread: 0 }, false);
    state.begin({ unseen: 0, audiences: { 'user:1': { epoch: 'a', head: 1 } } });
    state.apply({ as: 'unread', ids: ['1'] }, { version: 1, unseen: 0, unread: 1 }, false);
    expect([list(), counts()]).toEqual([['1s'], [0, 1]]);
  });
});

/** Marks of this client and of others in any order of arrival end as on the server, which made them one after another. */
test('in whatever order marks and answers come, the list ends as the server has it', () => {
  const change = fc.record({
    as: fc.constantFrom('seen' as const, 'read' as const, 'unread' as const, 'archived' as const),
    ids: fc.subarray(['1', '2', '3'], { minLength: 1 }),
    isOwn: fc.boolean(),
    arrives: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
      const server = setup();
      const { state, list, counts } = setup();
      const made = changes.map(({ isOwn, arrives, ...rest }, i) => {
        const pending = { ...rest, isAll: false };
        if (isOwn) state.pend(pending);
        server.state.apply(rest, { version: i + 1, unseen: i, unread: i }, false);
        return { pending, isOwn, arrives, answer: { version: i + 1, unseen: i, unread: i } };
      });
      for (const { pending, isOwn, answer } of made.toSorted((a, b) => a.arrives - b.arrives)) {
        state.apply(pending, answer, isOwn);
        state.unpend(pending);
      }
      expect([list(), counts()]).toEqual([server.list(), server.counts()]);
    }),
  );
});

describe('new ones', () => {
  test('come on top and are counted once', () => {
    const { add, list, counts } = setup();
    add(item(4));
    add(item(4));
    add(item(9, { id: '4', audience: 'global' }));
    add(item(5));
    // At one moment: by the names of the audiences.
    expect([list(), counts()]).toEqual([
      ['4', '5', '3', '2', '1'],
      [5, 5],
    ]);
  });

  test('are counted up to 100, where one less may be as many', () => {
    const { add, counts } = setup([]);
    for (let offset = 1; offset <= 120; offset += 1) add(item(offset));
    expect(counts()).toEqual([100, 100]);
    add(item(121, { type: 'carillon.retract', data: { id: '7' } }));
    expect(counts()).toEqual([100, 100]);
  });

  test('take the place of older ones with their collapse key and source', () => {
    const { add, list, counts } = setup([]);
    add(item(1, { collapsekey: 'k' }));
    add(item(2, { collapsekey: 'k', source: '/other' }));
    add(item(3, { collapsekey: 'k' }));
    expect([list(), counts()]).toEqual([
      ['3', '2'],
      [2, 2],
    ]);
  });

  test('leave when they expire or are taken back, and do not return', () => {
    const { state, add, list, counts, setNow } = setup();
    add(item(4, { expirytime: '2026-11-20T09:00:01Z' }));
    expect(state.nextEndMs).toBe(NOW + 1_000);
    add(item(5, { type: 'carillon.retract', data: { id: '2' } }));
    expect([list(), counts()]).toEqual([
      ['4', '3', '1'],
      [3, 3],
    ]);
    setNow(NOW + 1_000);
    state.dropEnded();
    expect([list(), counts(), state.nextEndMs]).toEqual([['3', '1'], [2, 2], Number.POSITIVE_INFINITY]);
    load(state, [item(2), item(1)]);
    expect(list()).toEqual(['1']);
  });
});

describe('a page', () => {
  test('takes the place of all, or follows it', () => {
    const { state, list } = setup([5, 4], 'more');
    expect(state.snapshot().hasMore).toBe(true);
    load(state, [item(4), item(3)], undefined, false);
    expect([list(), state.snapshot().hasMore]).toEqual([['5', '4', '3'], false]);
    load(state, [item(6, { seen: true })]);
    expect(list()).toEqual(['6s']);
  });

  test('that was read before something came does not take it away', () => {
    const { state, add, list, counts } = setup([1]);
    const reading = state.beginLoad();
    add(item(2));
    add(item(3));
    state.finish(reading, { notifications: [item(2), item(1)], unseen: 2, unread: 2 }, true);
    expect([list(), counts()]).toEqual([
      ['3', '2', '1'],
      [3, 3],
    ]);
  });

  test('that was read before a mark has the mark, and the counts of the mark', () => {
    const { state, list, counts } = setup([2, 1]);
    const reading = state.beginLoad();
    state.apply({ as: 'read', ids: ['1'] }, { version: 1, unseen: 1, unread: 1 }, false);
    state.finish(reading, { notifications: [item(2), item(1)], unseen: 2, unread: 2 }, true);
    expect([list(), counts()]).toEqual([
      ['2', '1sr'],
      [1, 1],
    ]);
  });
});
