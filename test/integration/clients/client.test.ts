/** The client library against a scripted server: how it connects, comes back, and what it tells. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Bench, item, missed, never, notification, soon, tokenOf } from '../../support/scripted-server.ts';

let bench: Bench;
let server: Bench['server'];
let connected: Bench['connected'];
let reconnected: Bench['reconnected'];

beforeEach(async () => {
  bench = new Bench();
  ({ server, connected, reconnected } = bench);
  await server.start();
});

afterEach(() => bench.close());

describe('connecting', () => {
  test('presents token, device and the cursors that an earlier page has stored', async () => {
    const key = `carillon cursors ada ${server.url}`;
    const stored = { 'user:ada': { epoch: 'a', offset: 3 }, 'topic:x': { epoch: 'a', offset: 9 } };
    const values = new Map([[key, JSON.stringify(stored)]]);
    const storage = {
      get: async (name: string) => values.get(name),
      set: (name: string, value: string) => values.set(name, value),
    };
    server.session = {
      audiences: { 'user:ada': { epoch: 'a', head: 5 }, global: { epoch: 'a', head: 7 } },
      missed: { 'user:ada': missed(5, [notification(4), notification(5)]) },
    };
    const { told } = await connected({ device: 'phone', storage });
    expect(server.handshakes).toEqual([
      { token: tokenOf('ada'), device: 'phone', cursors: { 'user:ada': { epoch: 'a', offset: 3 } } },
    ]);
    expect(told).toEqual(['connected', 'e4 missed', 'e5 missed']);
    server.socket.emit('notification', notification(6));
    await soon(() =>
      expect(JSON.parse(values.get(key) ?? '')).toEqual({
        'user:ada': { epoch: 'a', offset: 6 },
        global: { epoch: 'a', offset: 7 },
        'topic:x': { epoch: 'a', offset: 9 },
      }),
    );
  });

  test('asks with sync, and holds what comes live, when the token does not tell whose cursors to send', async () => {
    const stored = JSON.stringify({
      'user:ada': { epoch: 'a', offset: 3 },
      'user:eve': { epoch: 'a', offset: 1 },
    });
    const storage = { get: () => stored, set: () => {} };
    server.answers.sync = (_body, socket) => {
      socket.emit('notification', notification(5));
      socket.emit('notification', notification(6));
      return { audiences: { 'user:ada': missed(5, [notification(4), notification(5)]) } };
    };
    server.session = { audiences: { 'user:ada': { epoch: 'a', head: 4 } } };
    const { told } = await connected({ token: () => 'opaque', storage });
    await soon(() => expect(told).toEqual(['connected', 'e4 missed', 'e5 missed', 'e6']));
    expect(server.handshakes).toEqual([{ token: 'opaque' }]);
    const cursors = { 'user:ada': { epoch: 'a', offset: 3 } };
    expect(server.asked('sync')).toEqual([{ cursors, partial: true }]);
  });

  test('gets in parts what one answer could not hold, and holds what comes live until the last', async () => {
    const storage = { get: () => JSON.stringify({ 'user:ada': { epoch: 'a', offset: 3 } }), set: () => {} };
    const parts = [
      { audiences: { 'user:ada': { ...missed(4, [notification(4)]), more: true } } },
      { error: { code: 'rate_limited', message: 'too much', retryAfterMs: 1 } },
      { audiences: { 'user:ada': missed(6, [notification(5), notification(6)]) } },
    ];
    server.answers.sync = (_body, socket) => {
      if (parts.length === 3) socket.emit('notification', notification(7));
      return parts.shift();
    };
    server.session = {
      audiences: { 'user:ada': { epoch: 'a', head: 6 } },
      missed: { 'user:ada': { ...missed(6, [], false), reason: 'too_large' } },
    };
    const { told } = await connected({ storage });
    await soon(() =>
      expect(told).toEqual(['connected', 'e4 missed', 'error rate_limited', 'e5 missed', 'e6 missed', 'e7']),
    );
    expect(server.asked('sync')).toEqual(
      [3, 4, 4].map((offset) => ({ cursors: { 'user:ada': { epoch: 'a', offset } }, partial: true })),
    );
  });

  test('goes on from the heads, and says so, when sync is refused', async () => {
    const storage = { get: () => JSON.stringify({ 'user:ada': { epoch: 'a', offset: 3 } }), set: () => {} };
    server.session = { audiences: { 'user:ada': { epoch: 'a', head: 4 } } };
    const { told } = await connected({ token: () => 'opaque', storage });
    await soon(() => expect(told).toEqual(['connected', 'error unknown_request', 'resync user:ada']));
    server.socket.emit('notification', notification(5));
    await soon(() => expect(told.at(-1)).toBe('e5'));
  });

  test('asks for a token again with each attempt, and reports when it stays refused', async () => {
    server.refusals = 6;
    const token = () => tokenOf(`user-${server.handshakes.length + 1}`);
    const { told, waits } = await connected({ token });
    expect(server.handshakes.map(({ token }) => token)).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((n) => tokenOf(`user-${n}`)),
    );
    expect(told.filter((text) => text.startsWith('error'))).toEqual([
      'error unauthorized',
      'error unauthorized',
    ]);
    expect(told.slice(0, 3)).toEqual(['waiting unauthorized', 'connecting', 'waiting unauthorized']);
    const pauses = waits.slice(0, 6);
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
  });

  test('comes again, and complains of no token, when the server cannot check it now', async () => {
    server.refusals = 6;
    server.refusalCode = 'unavailable';
    // The longest pause is less than twice the one before, so that chance may make it shorter than that.
    const { told, waits } = await connected({}, { random: () => 0 });
    expect(told).toEqual([...Array(6).fill(['waiting unavailable', 'connecting']).flat(), 'connected']);
    const pauses = waits.slice(0, 6);
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
  });

  test('does not count what could not be checked as refusals of the token', async () => {
    server.refusals = 6;
    server.refusalCode = 'unavailable';
    const token = () => {
      if (server.handshakes.length === 4) server.refusalCode = 'unauthorized';
      return tokenOf('ada');
    };
    const { told } = await connected({ token });
    expect(told.filter((text) => text.startsWith('error'))).toEqual([]);
    expect(told).toContain('waiting unauthorized');
  });

  test('survives a token() that fails', async () => {
    const token = vi
      .fn(() => tokenOf('ada'))
      .mockImplementationOnce(() => {
        throw new Error('offline');
      });
    const { told } = await connected({ token });
    expect(told).toEqual(['error token_failed', 'waiting token_failed', 'connecting', 'connected']);
  });
});

describe('reconnecting', () => {
  test('after a loss presents its cursors and reports what was missed, once and in order', async () => {
    const forgetful = { get: () => null, set: () => {} };
    const { client, told } = await connected({ storage: forgetful });
    server.socket.emit('notification', notification(1));
    await soon(() => expect(told).toContain('e1'));
    server.session = {
      unseen: 3,
      audiences: { 'user:ada': { epoch: 'a', head: 3 } },
      missed: { 'user:ada': missed(3, [notification(2), notification(3)]) },
    };
    await reconnected(client, () => server.cut());
    for (const offset of [3, 4]) server.socket.emit('notification', notification(offset));
    server.socket.emit('notification', notification(1, { id: 'e4', audience: 'global' }));
    server.socket.emit('notification', notification(5));
    await soon(() => expect(told).toContain('e5'));
    expect(told).toEqual([
      'connected',
      'e1',
      'waiting connection_lost',
      'connecting',
      'connected',
      'e2 missed',
      'e3 missed',
      'e4',
      'e5',
    ]);
    // What was missed is in the session's count; e4 and e5 came after it.
    expect(client.inbox.unseen).toBe(5);
    expect(server.handshakes[1]).toMatchObject({
      cursors: { 'user:ada': { epoch: 'a', offset: 1 }, global: { epoch: 'a', offset: 0 } },
    });
  });

  test('that cannot recover begins behind the head and reads the inbox again', async () => {
    server.answers.inbox = () => ({ notifications: [item(8)], unseen: 1, unread: 1 });
    const { client, told } = await connected();
    await client.inbox.refresh();
    server.session = { missed: { 'user:ada': { ...missed(8, [], false), epoch: 'b' } } };
    await reconnected(client, () => server.cut());
    await soon(() => expect(server.asked('inbox').length).toBeGreaterThan(1));
    // Asked behind it, the service's answer has it.
    server.answers.inbox = () => ({ notifications: [item(9), item(8)], unseen: 2, unread: 2 });
    server.socket.emit('notification', notification(9, { epoch: 'b' }));
    await soon(() => expect(told.at(-1)).toBe('e9'));
    expect(told).toContain('resync user:ada');
    await soon(() => expect(client.inbox.list.map(({ id }) => id)).toEqual(['e9', 'e8']));
  });

  test('waits as goaway says, and a little longer', async () => {
    const { client, told, waits } = await connected();
    await reconnected(client, () => {
      server.socket.emit('goaway', { code: 'shutting_down', reconnect: true, retryAfterMs: 4_000 });
      server.socket.disconnect(true);
    });
    expect(told).toEqual(['connected', 'waiting shutting_down', 'connecting', 'connected']);
    expect(waits.filter((delayMs) => delayMs >= 4_000 && delayMs < 5_000)).toHaveLength(1);
  });

  test('says when it tries again', async () => {
    const { client } = await connected();
    const waiting = new Promise<number>((resolve) => {
      client.on('state', (state) => state.status === 'waiting' && resolve(state.retryAt));
    });
    const nowMs = Date.now();
    server.socket.emit('goaway', { code: 'unavailable', reconnect: true, retryAfterMs: 60_000 });
    expect(await waiting).toBeGreaterThanOrEqual(nowMs + 60_000);
  });

  test('does not happen when goaway says that it cannot succeed', async () => {
    const { client, told } = await connected();
    const loop = (async () => {
      for await (const _ of client) expect.unreachable('nothing was sent');
    })();
    server.socket.emit('goaway', { code: 'token_expired', reconnect: false, retryAfterMs: 0 });
    await loop;
    expect(client.state).toEqual({ status: 'closed', reason: 'token_expired' });
    expect(told).toEqual(['connected', 'closed token_expired']);
  });

  test('as another user begins with nothing of the one before', async () => {
    let user = 'ada';
    server.answers.inbox = () => never;
    const { client, told } = await connected({ token: () => tokenOf(user) });
    server.socket.emit('notification', notification(5));
    await soon(() => expect(client.inbox.list).toHaveLength(1));
    server.answers.mark = () => ({ error: { code: 'unavailable', message: 'later' } });
    const marked = client.inbox.markRead(['e5']).catch(({ code }) => code);
    await soon(() => expect(server.asked('mark').length).toBeGreaterThan(0));
    user = 'eve';
    server.session = { user, audiences: { 'user:eve': { epoch: 'a', head: 0 } } };
    const before = server.sockets.length;
    server.answers.mark = () => never;
    await reconnected(client, () => server.cut());
    expect(server.sockets.length).toBe(before + 1);
    expect(await marked).toBe('closed');
    expect(client.inbox.list).toEqual([]);
    expect(server.handshakes.at(-1)).toEqual({ token: tokenOf('eve') });
    expect(told.filter((text) => text.startsWith('error'))).toEqual([]);
  });
});

describe('a log that begins anew', () => {
  test('is reported, and gone on with from its head', async () => {
    const { told } = await connected();
    server.socket.emit('notification', notification(40));
    server.socket.emit('resync', { audiences: { 'user:ada': { epoch: 'b', head: 2 } } });
    server.socket.emit('notification', notification(2, { id: 'old', epoch: 'b' }));
    server.socket.emit('notification', notification(3, { epoch: 'b' }));
    await soon(() => expect(told).toEqual(['connected', 'e40', 'resync user:ada', 'e3']));
  });
});
