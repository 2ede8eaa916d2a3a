/** The client library against a scripted server: its inbox. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Bench, item, missed, notification, soon } from '../../support/scripted-server.ts';

const E1 = { id: 'e1', source: '/test' };

let bench: Bench;
let server: Bench['server'];
let open: Bench['open'];
let connected: Bench['connected'];
let reconnected: Bench['reconnected'];

beforeEach(async () => {
  bench = new Bench();
  ({ server, open, connected, reconnected } = bench);
  await server.start();
});

afterEach(() => bench.close());

describe('the inbox', () => {
  test('is read once somebody looks, page by page, and then after each reconnect', async () => {
    server.session = { unseen: 9 };
    server.answers.inbox = ({ before }) =>
      before === undefined
        ? { notifications: [item(3), item(2)], next: 'p2', unseen: 2, unread: 3 }
        : { notifications: [item(1, { seen: true })], unseen: 2, unread: 3 };
    const { client } = await connected();
    expect([client.inbox.unseen, server.asked('inbox')]).toEqual([9, []]);
    const snapshots: number[] = [];
    const stop = client.inbox.subscribe(() => snapshots.push(client.inbox.list.length));
    await soon(() => expect(client.inbox.snapshot).toMatchObject({ unseen: 2, unread: 3, hasMore: true }));
    await Promise.all([client.inbox.loadMore(), client.inbox.loadMore()]);
    expect(client.inbox.list.map(({ id }) => id)).toEqual(['e3', 'e2', 'e1']);
    expect(client.inbox.hasMore).toBe(false);
    await client.inbox.loadMore();
    expect(server.asked('inbox')).toEqual([
      { filter: 'all', limit: 50 },
      { filter: 'all', limit: 50, before: 'p2' },
    ]);
    expect(snapshots.at(-1)).toBe(3);
    stop();
    const heard = snapshots.length;
    await reconnected(client, () => server.cut());
    await soon(() => expect(server.asked('inbox')).toHaveLength(3));
    expect(snapshots).toHaveLength(heard);
  });

  test('has no hole where older ones are asked for while the first page is read anew', async () => {
    server.answers.inbox = () => ({
      notifications: [item(4), item(3)],
      next: 'after 3',
      unseen: 4,
      unread: 4,
    });
    const { client } = await connected();
    await client.inbox.refresh();
    // Two have come meanwhile, so that the first page ends earlier than before.
    const first = { notifications: [item(6), item(5)], next: 'after 5', unseen: 6, unread: 6 };
    let answerFirst = (_: unknown) => {};
    server.answers.inbox = ({ before }) => {
      if (before === undefined) return new Promise((resolve) => (answerFirst = resolve));
      if (before === 'after 5')
        return { notifications: [4, 3, 2, 1].map((i) => item(i)), unseen: 6, unread: 6 };
      answerFirst(first);
      return refreshed.then(() => ({ notifications: [item(2), item(1)], unseen: 6, unread: 6 }));
    };
    const refreshed = client.inbox.refresh();
    await client.inbox.loadMore();
    expect(client.inbox.list.map(({ id }) => id)).toEqual(['e6', 'e5', 'e4', 'e3', 'e2', 'e1']);
    expect(client.inbox.hasMore).toBe(false);
  });

  test('that is asked for before the session is read once', async () => {
    server.answers.inbox = () => ({ notifications: [item(1)], unseen: 1, unread: 1 });
    const { client } = open();
    await client.inbox.refresh();
    expect(server.asked('inbox')).toHaveLength(1);
    expect(client.inbox.list).toHaveLength(1);
  });

  test('shows a mark at once, and what the server counts', async () => {
    server.answers.inbox = () => ({ notifications: [item(2), item(1)], unseen: 2, unread: 2 });
    let answer = (_: unknown) => {};
    server.answers.mark = () => new Promise((resolve) => (answer = resolve));
    const { client } = await connected();
    await client.inbox.refresh();
    const marked = client.inbox.markRead(['e1']);
    expect(client.inbox.snapshot).toMatchObject({
      unseen: 1,
      unread: 1,
      list: [{ read: false }, { read: true }],
    });
    await soon(() => expect(server.asked('mark')).toEqual([{ as: 'read', ids: ['e1'], events: [E1] }]));
    answer({ unseen: 5, unread: 6, version: 1 });
    await marked;
    expect(client.inbox.snapshot).toMatchObject({
      unseen: 5,
      unread: 6,
      list: [{ read: false }, { read: true }],
    });
  });

  test('takes a mark back that the server refuses', async () => {
    server.answers.mark = () => ({ error: { code: 'bad_request', message: 'no' } });
    const { client, told } = await connected();
    server.socket.emit('notification', notification(1));
    await soon(() => expect(client.inbox.unseen).toBe(1));
    await expect(client.inbox.markArchived(['e1'])).rejects.toMatchObject({ code: 'bad_request' });
    expect([client.inbox.list.length, client.inbox.unseen, told.at(-1)]).toEqual([1, 1, 'error bad_request']);
  });

  test('sends a mark that was made without a connection in the next session', async () => {
    server.answers.mark = () => ({ unseen: 0, unread: 0, version: 1 });
    const { client } = await connected();
    server.socket.emit('notification', notification(1));
    await soon(() => expect(client.inbox.unseen).toBe(1));
    let marked = Promise.resolve();
    client.on('state', ({ status }) => {
      if (status === 'waiting') marked = client.inbox.markSeen(['e1']);
    });
    await reconnected(client, () => server.cut());
    await marked;
    expect(server.asked('mark')).toEqual([{ as: 'seen', ids: ['e1'], events: [E1] }]);
    expect(client.inbox.list).toMatchObject([{ seen: true }]);
  });

  test('means by all what was there when there was no connection, and not what came meanwhile', async () => {
    server.answers.mark = () => ({ unseen: 5, unread: 5, version: 1 });
    const { client } = await connected();
    server.socket.emit('notification', notification(1));
    await soon(() => expect(client.inbox.unseen).toBe(1));
    let marked = Promise.resolve();
    client.on('state', ({ status }) => {
      if (status === 'waiting') marked = client.inbox.markSeen('all');
    });
    server.session = { ...server.session, audiences: { 'user:ada': { epoch: 'a', head: 6 } } };
    await reconnected(client, () => server.cut());
    await marked;
    expect(server.asked('mark')).toEqual([{ as: 'seen', upTo: { [notification(1).audience]: 1 } }]);
  });

  test('asks again when something came while all was marked', async () => {
    server.answers.inbox = () => ({
      notifications: [item(2, { seen: true }), item(1, { seen: true })],
      unseen: 0,
      unread: 2,
    });
    server.answers.mark = (_body, socket) => {
      socket.emit('notification', notification(2));
      return { unseen: 0, unread: 2, version: 1 };
    };
    const { client } = await connected();
    await client.inbox.refresh();
    await client.inbox.markSeen('all');
    expect(server.asked('mark')).toEqual([{ as: 'seen', all: true }]);
    await soon(() => expect(server.asked('inbox')).toHaveLength(2));
    await soon(() => expect(client.inbox.list).toMatchObject([{ seen: true }, { seen: true }]));
  });

  test('has the marks of other devices in their order', async () => {
    const { client } = await connected();
    const told: number[] = [];
    client.on('marks', ({ version }) => told.push(version));
    server.socket.emit('notification', notification(1));
    server.socket.emit('marks', { as: 'unread', ids: ['e1'], unseen: 0, unread: 1, version: 2 });
    server.socket.emit('marks', { as: 'read', ids: ['e1'], unseen: 0, unread: 0, version: 1 });
    await soon(() => expect(told).toEqual([2, 1]));
    expect(client.inbox.snapshot).toMatchObject({
      unseen: 0,
      unread: 1,
      list: [{ seen: true, read: false }],
    });
  });

  test('does not show as new what another device has seen meanwhile', async () => {
    const { client } = await connected();
    const toasts: string[] = [];
    client.on('toast', ({ id }) => toasts.push(id));
    const told: unknown[] = [];
    client.on('notification', ({ id }, { isSeen }) => told.push([id, isSeen]));
    const places = { 'user:ada': { epoch: 'a', head: 3 } };
    const one = { ...notification(1), seen: true, read: true, archived: true };
    const two = { ...notification(2), seen: true };
    server.session = {
      audiences: places,
      unseen: 1,
      unread: 2,
      version: 4,
      missed: { 'user:ada': missed(3, [one, two, notification(3)]) },
    };
    await reconnected(client, () => server.cut());
    await soon(() => expect(toasts).toEqual(['e3']));
    expect(told).toEqual([
      ['e1', true],
      ['e2', true],
      ['e3', false],
    ]);
    expect(client.inbox.snapshot).toMatchObject({
      unseen: 1,
      unread: 2,
      list: [
        { id: 'e3', seen: false },
        { id: 'e2', seen: true },
      ],
    });
  });

  test('loses what expires', async () => {
    let nowMs = Date.now();
    const { client } = await connected({}, { now: () => nowMs });
    server.socket.emit(
      'notification',
      notification(1, { expirytime: new Date(nowMs + 60_000).toISOString() }),
    );
    await soon(() => expect(client.inbox.list).toHaveLength(1));
    nowMs += 60_001;
    await soon(() =>
      expect(client.inbox.snapshot).toEqual({ list: [], unseen: 0, unread: 0, hasMore: false }),
    );
  });
});
