/** The client library where something never answers, ends again and again, or is limited: it neither hangs nor hurries. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Bench, missed, never, notification, soon, tokenOf } from '../../support/scripted-server.ts';

let bench: Bench;
let server: Bench['server'];
let connected: Bench['connected'];

beforeEach(async () => {
  bench = new Bench();
  ({ server, connected } = bench);
  await server.start();
});
afterEach(() => bench.close());

/** Of a clock that stands still no session lasts. */
const standing = { now: () => 1_000 };

describe('a session that does not last', () => {
  test.for(['token_expired', 'rate_limited', 'message_too_large', 'slow_consumer', 'shutting_down', 'none'])(
    'makes the pauses grow: %s',
    async (code) => {
      const { client, waits } = await connected({}, { ...standing, random: () => 0 });
      for (let sessions = 1; sessions < 6; sessions += 1) {
        await soon(() => {
          expect(server.sockets).toHaveLength(sessions);
          expect(client.state.status).toBe('connected');
        });
        if (code === 'none') server.cut();
        else server.socket.emit('goaway', { code, reconnect: true, retryAfterMs: 0 });
      }
      await soon(() => expect(server.sockets).toHaveLength(6));
      const pauses = waits.filter((delayMs) => delayMs !== 5_000).slice(0, 5);
      // Half of 1, 2, 4 … s; the first time the server's word is enough.
      expect(pauses).toEqual([code === 'none' ? 500 : 0, 1_000, 2_000, 4_000, 8_000]);
    },
  );

  test('is forgotten after one that did', async () => {
    let nowMs = 0;
    const { client, waits } = await connected({}, { now: () => nowMs, random: () => 0 });
    for (const lastedMs of [0, 0, 9_000, 11_000]) {
      const before = server.sockets.length;
      nowMs += lastedMs;
      server.cut();
      await soon(() => expect(server.sockets).toHaveLength(before + 1));
      await soon(() => expect(client.state.status).toBe('connected'));
    }
    expect(waits).toEqual([500, 1_000, 2_000, 500]);
  });

  test.for(['rate_limited', 'message_too_large', 'slow_consumer'])('reaches the app: %s', async (code) => {
    const { told } = await connected();
    server.socket.emit('goaway', { code, reconnect: true, retryAfterMs: 0 });
    await soon(() => expect(told).toHaveLength(5));
    expect(told).toEqual(['connected', `waiting ${code}`, `error ${code}`, 'connecting', 'connected']);
  });

  test.for(['too_many_connections', 'bad_request'])('and one that is refused, too: %s', async (code) => {
    server.refusals = 1;
    server.refusalCode = code;
    const { told } = await connected();
    expect(told).toEqual([`waiting ${code}`, `error ${code}`, 'connecting', 'connected']);
  });
});

describe('what never answers', () => {
  test('token() for a connection is asked again, and reported', async () => {
    let asked = 0;
    const token = () => {
      asked += 1;
      return asked === 1 ? never : tokenOf('ada');
    };
    const { told } = await connected({ token });
    expect(told).toEqual(['error token_failed', 'waiting token_failed', 'connecting', 'connected']);
  });

  test('token() for a fresh token is asked again, and reported', async () => {
    let asked = 0;
    const token = () => {
      asked += 1;
      return asked === 2 ? never : tokenOf('ada');
    };
    server.answers.authenticate = () => ({ expiresAt: new Date(Date.now() + 3_600_000).toISOString() });
    server.session = { expiresAt: new Date(Date.now() + 60_000).toISOString() };
    const { told } = await connected({ token });
    await soon(() => expect(server.asked('authenticate')).toHaveLength(1));
    expect([asked, told]).toEqual([3, ['connected', 'error token_failed']]);
  });

  test('the storage costs its cursors and nothing else', async () => {
    const { told } = await connected({ storage: { get: () => never, set: () => {} } });
    server.socket.emit('notification', notification(1));
    await soon(() => expect(told).toEqual(['connected', 'e1']));
  });
});

describe('waking', () => {
  const wakes = () => {
    const listeners = new Set<(isOnline: boolean) => void>();
    const onWake = (listener: (isOnline: boolean) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    };
    // No pause ends by itself.
    const after = (delayMs: number, run: () => void) => {
      const timer = setTimeout(run, Math.min(delayMs * 1_000, 2 ** 31 - 1));
      return () => clearTimeout(timer);
    };
    const wake = (isOnline: boolean) => {
      for (const listener of listeners) listener(isOnline);
    };
    return { around: { onWake, after }, wake, listeners };
  };

  test.for([true, false])(
    'tries at once when the network is back or the page is seen (%s)',
    async (isOnline) => {
      const { around, wake, listeners } = wakes();
      const { client, told } = await connected({}, around);
      server.cut();
      await soon(() => expect(told.at(-1)).toBe('waiting connection_lost'));
      wake(isOnline);
      await soon(() => expect(told.slice(2)).toEqual(['connecting', 'connected']));
      client.close();
      expect(listeners.size).toBe(0);
    },
  );

  test('leaves the pause that the server has asked for', async () => {
    const { around, wake } = wakes();
    const { told } = await connected({}, around);
    server.socket.emit('goaway', { code: 'rate_limited', reconnect: true, retryAfterMs: 9_000 });
    await soon(() => expect(told).toContain('error rate_limited'));
    wake(true);
    wake(false);
    expect(told.at(-1)).toBe('error rate_limited');
  });
});

describe('limits', () => {
  const limits = {
    messageMaxBytes: 1_024,
    messagesAtOnce: 20,
    messagesPerSecond: 10,
    topicsPerSession: 100,
    topicsPerRequest: 10,
    lastPerTopic: 300,
    cursorsPerRequest: 256,
    idsPerMark: 500,
    notificationsPerPage: 100,
  };
  const entered = (topic: unknown) => ({ audience: `topic:${topic}`, epoch: 'a', head: 0 });

  test('topics are entered in lists where the server knows them, and one by one where it does not', async () => {
    server.session = { limits };
    server.answers.subscribe = ({ topic, topics }) =>
      Array.isArray(topics) ? { topics: topics.map((one) => entered(one.topic)) } : entered(topic);
    const { client } = await connected();
    const names = Array.from({ length: 25 }, (_, i) => `t.${i}`);
    await Promise.all(names.map((name) => client.subscribe(name)));
    const list = (from: number, to: number) => ({
      topics: names.slice(from, to).map((topic) => ({ topic })),
    });
    expect(server.asked('subscribe')).toEqual([list(0, 10), list(10, 20), list(20, 25)]);
    // An earlier version, as it may be there while nodes are replaced.
    server.session = {};
    await bench.reconnected(client, () => server.cut());
    await soon(() => expect(server.asked('subscribe')).toHaveLength(3 + 25));
    expect(server.asked('subscribe').slice(3)).toEqual(
      names.map((topic) => ({ topic, cursor: { epoch: 'a', offset: 0 } })),
    );
  });

  test('of a list some may have to be asked for again, and only those', async () => {
    server.session = { limits };
    const error = (code: string, more = {}) => ({ error: { code, message: 'no', ...more } });
    const answers: unknown[] = [
      {
        topics: [
          entered('a'),
          error('rate_limited', { retryAfterMs: 1 }),
          error('forbidden'),
          error('unavailable'),
        ],
      },
      { topics: [entered('b'), entered('d')] },
    ];
    server.answers.subscribe = () => answers.shift();
    const { client, told } = await connected();
    const asked = ['a', 'b', 'c', 'd'].map((topic) => client.subscribe(topic));
    const results = await Promise.allSettled(asked);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(server.asked('subscribe').at(-1)).toEqual({ topics: [{ topic: 'b' }, { topic: 'd' }] });
    expect(told).toEqual(['connected', 'error rate_limited', 'error forbidden']);
  });

  test('cursors that a handshake has no room for are asked about in the session', async () => {
    const audiences = Array.from({ length: 300 }, (_, i) => `department:${i}` as const);
    const at = (offset: number) => audiences.map((audience) => [audience, { epoch: 'a', offset }]);
    const storage = { get: () => JSON.stringify(Object.fromEntries(at(1))), set: () => {} };
    server.session = {
      limits,
      audiences: Object.fromEntries(audiences.map((audience) => [audience, { epoch: 'a', head: 2 }])),
    };
    const one = (audience: (typeof audiences)[number]) => notification(2, { audience, id: audience });
    server.answers.sync = ({ cursors }) => ({
      audiences: Object.fromEntries(
        audiences
          .filter((audience) => Object.hasOwn(Object(cursors), audience))
          .map((audience) => [audience, missed(2, [one(audience)])]),
      ),
    });
    const { told } = await connected({ storage, token: () => 'opaque' });
    await soon(() => expect(told).toHaveLength(1 + 300));
    expect(told.filter((text) => text.endsWith(' missed'))).toHaveLength(300);
    for (const body of server.asked('sync')) expect(JSON.stringify(body).length).toBeLessThan(1_024);
  });
});
