/** What comes to the client's inbox later than a page or counts that have it already, and requests that waited. */
import { expect, test, vi } from 'vitest';
import { InboxState } from '../../../../src/clients/client/inbox-state.ts';
import { InboxStore } from '../../../../src/clients/client/inbox-store.ts';
import type { InboxItem } from '../../../../src/clients/client/notification.ts';
import { Requests } from '../../../../src/clients/client/requests.ts';
import type { Audience } from '../../../../src/contract/audience.ts';
import { STILL } from '../../../support/still-environment.ts';

const NOW = Date.parse('2026-11-20T09:00:00Z');

function item(audience: Audience, offset: number, id: string, more: Partial<InboxItem> = {}): InboxItem {
  const flags = { seen: false, read: false, archived: false };
  const time = '2026-11-20T09:00:00Z';
  const event = { id, source: '/test', type: 'test', time, at: NOW, severity: 'info' as const, data: {} };
  return { ...event, audience, epoch: 'a', offset, ...flags, ...more };
}

function setup() {
  const reached: Record<string, number> = {};
  const state = new InboxState({ now: () => NOW, reached: () => ({ ...reached }) });
  return {
    state,
    add: (one: InboxItem) => {
      reached[one.audience] = one.offset;
      state.add(one);
    },
    counts: () => [state.snapshot().unseen, state.snapshot().unread],
    list: () => state.snapshot().list.map(({ audience, offset }) => `${audience} ${offset}`),
  };
}

test('a copy that a page has replaced already is not shown when it comes', () => {
  const { state, add, list } = setup();
  const replacing = item('department:a', 2, 'new', { collapsekey: 'k' });
  const page = { notifications: [replacing, item('user:1', 1, 'old')], unseen: 2, unread: 2 };
  state.finish(state.beginLoad(), { ...page, version: 0, heads: { 'department:a': 2, 'user:1': 1 } }, true);
  add(item('department:a', 1, 'old', { collapsekey: 'k' }));
  add(replacing);
  expect(list()).toEqual(['department:a 2', 'user:1 1']);
});

test('an event of which a copy was counted is not counted less when another copy comes late', () => {
  const { state, add, counts } = setup();
  add(item('user:1', 1, 'twice', { collapsekey: 'k' }));
  const told = { unseen: 1, unread: 1, version: 1, heads: { 'department:a': 1, 'user:1': 1 } };
  state.apply({ as: 'seen', ids: ['other'] }, told, false);
  add(item('user:1', 2, 'once', { collapsekey: 'k' }));
  add(item('department:a', 1, 'twice'));
  expect(counts()).toEqual([2, 2]);
});

test('a change that comes after counts that have it does not change them', () => {
  const { state, add, counts } = setup();
  const page = { notifications: [item('user:1', 1, 'x')], unseen: 1, unread: 2, version: 1 };
  state.finish(state.beginLoad(), { ...page, heads: { 'department:a': 1, 'user:1': 1 }, next: 'more' }, true);
  add(item('department:a', 1, 'y'));
  state.apply(
    { as: 'seen', upTo: { 'department:a': 1 } },
    { unseen: 0, unread: 1, version: 1, heads: { 'department:a': 1 } },
    false,
  );
  expect(counts()).toEqual([1, 2]);
});

test('of 100 a whole list may have less: the event of a copy that is seen has one that is not', () => {
  const { state, counts } = setup();
  const notifications = Array.from({ length: 100 }, (_, i) =>
    item('department:a', 100 - i, String(i), { seen: i === 0, read: true }),
  );
  const page = {
    notifications,
    unseen: 100,
    unread: 0,
    version: 0,
    heads: { 'department:a': 100, 'user:1': 1 },
  };
  state.finish(state.beginLoad(), page, true);
  expect(counts()).toEqual([100, 0]);
});

test('all that waits for its turn while something comes means what the user saw', async () => {
  let nowMs = NOW;
  const asked: unknown[] = [];
  const answers: (() => void)[] = [];
  const environment = { ...STILL, now: () => nowMs };
  const answered = { unseen: 0, unread: 0, version: 1, heads: {} };
  const send = (name: string, body: unknown) => {
    if (name === 'mark') asked.push(body);
    return new Promise<never>((resolve) => {
      answers.push(() => resolve(JSON.parse(JSON.stringify(answered))));
    });
  };
  const requests = new Requests(environment, send, () => {});
  const reached: Record<string, number> = {};
  const offsets = () => ({ ...reached });
  const inbox = new InboxStore({ environment, requests, now: () => NOW, offsets, onError: () => {} });
  const come = (offset: number) => {
    reached['user:1'] = offset;
    inbox.onCopy(item('user:1', offset, String(offset)));
  };
  const session = { session: '1', user: '1', departments: [], unseen: 0, unread: 0, version: 0 };
  const times = { expiresAt: '2026-11-21T09:00:00Z', serverTime: '2026-11-20T09:00:00Z' };
  requests.open();
  inbox.onSession({ ...session, ...times, audiences: { 'user:1': { epoch: 'a', head: 0 } } });
  come(1);
  for (let i = 0; i < 4; i += 1) void inbox.markRead([String(i)]);
  const marked = inbox.markSeen('all');
  await vi.waitFor(() => expect(asked).toHaveLength(4));
  come(2);
  for (let i = 0; i < 5; i += 1) {
    await vi.waitFor(() => expect(answers.length).toBeGreaterThan(0));
    nowMs += 1_000;
    answers.shift()?.();
  }
  await marked;
  expect(asked.at(-1)).toEqual({ as: 'seen', upTo: { 'user:1': 1 } });
});

test('what is over when it comes is not counted less', () => {
  const { state, add, counts } = setup();
  const heads = { 'department:a': 1, 'user:1': 1 };
  state.begin({ unseen: 1, unread: 1, version: 0, audiences: {} });
  state.apply({ as: 'seen', ids: ['other'] }, { unseen: 1, unread: 1, version: 1, heads }, true);
  add(item('user:1', 1, 'over', { expirytime: '2026-11-20T08:59:59Z' }));
  expect(counts()).toEqual([1, 1]);
});

test('a mark that comes after a page does not change what came behind the mark', () => {
  const { state, list, counts } = setup();
  const page = { notifications: [item('user:1', 2, 'x')], unseen: 1, unread: 1, version: 2 };
  state.finish(state.beginLoad(), { ...page, heads: { 'user:1': 2 } }, true);
  const events = [{ id: 'x', source: '/test' }];
  state.apply({ as: 'seen', events }, { unseen: 0, unread: 0, version: 1, heads: { 'user:1': 1 } }, false);
  expect([list(), counts()]).toEqual([['user:1 2'], [1, 1]]);
  expect(state.snapshot().list[0]?.seen).toBe(false);
});
