/** The client library against a scripted server: what the app is told, tabs and topics. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Environment, environment } from '../../../src/clients/client/environment.ts';
import { Bench, missed, notification, soon } from '../../support/scripted-server.ts';

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

describe('what the app gets', () => {
  test('a retraction removes what it takes back and is no notification', async () => {
    const { client, told } = await connected();
    server.socket.emit('notification', notification(1));
    server.socket.emit('notification', notification(2, { type: 'carillon.retract', data: { id: 'e1' } }));
    await soon(() => expect(told).toEqual(['connected', 'e1', 'retracted e1']));
    expect(client.inbox.list).toEqual([]);
    expect([client.inbox.unseen, client.inbox.unread]).toEqual([0, 0]);
  });

  test('a loop gets the same, until close', async () => {
    const { client } = await connected();
    const got: string[] = [];
    const loop = (async () => {
      for await (const { id } of client) {
        got.push(id);
        if (got.length === 2) client.close();
      }
    })();
    for (const offset of [1, 2]) server.socket.emit('notification', notification(offset));
    await loop;
    expect(got).toEqual(['e1', 'e2']);
    for await (const _ of client) expect.unreachable('it is closed');
  });

  test('a toast comes in one tab, of those that show toasts', async () => {
    // Messages between tabs take their time, and so must the wait for them: on a busy machine longer than a user's would.
    const { openChannel, after } = environment();
    const real: Partial<Environment> = { openChannel, after: (delayMs, run) => after(10 * delayMs, run) };
    const tabs = await Promise.all([connected({}, real), connected({}, real), connected({}, real)]);
    const toasts: string[] = [];
    for (const { client } of tabs.slice(1)) client.on('toast', ({ id }) => toasts.push(id));
    for (const offset of [1, 2]) {
      for (const socket of server.sockets) socket.emit('notification', notification(offset));
      await soon(() => expect(toasts).toContain(`e${offset}`));
    }
    expect(toasts).toEqual(['e1', 'e2']);
    expect(tabs.map(({ told }) => told.slice(1))).toEqual(tabs.map(() => ['e1', 'e2']));
  });
});

describe('topics', () => {
  const entered = (head: number, more = {}) => ({ audience: 'topic:x', epoch: 'a', head, ...more });
  const inTopic = (offset: number) => notification(offset, { audience: 'topic:x', id: `t${offset}` });

  test('are entered again in each session, from the cursor on, with what was missed first', async () => {
    server.answers.subscribe = () => entered(5);
    const { client, told } = open();
    await client.subscribe('x');
    server.socket.emit('notification', inTopic(6));
    await soon(() => expect(told).toContain('t6'));
    server.answers.subscribe = (_body, socket) => {
      socket.emit('notification', inTopic(9));
      return entered(8, { missed: missed(8, [inTopic(7), inTopic(8)]) });
    };
    await reconnected(client, () => server.cut());
    await soon(() => expect(told.slice(-3)).toEqual(['t7 missed', 't8 missed', 't9']));
    expect(server.asked('subscribe')).toEqual([
      { topic: 'x' },
      { topic: 'x', cursor: { epoch: 'a', offset: 6 } },
    ]);
    expect(server.handshakes[1]).not.toHaveProperty(['cursors', 'topic:x']);
    expect(client.inbox.list).toEqual([]);
  });

  test('begin with the last ones when that is asked, and with the cursor in the next session', async () => {
    server.answers.subscribe = (_body, socket) => {
      socket.emit('notification', inTopic(6));
      return entered(5, { missed: missed(5, [inTopic(4), inTopic(5)]) });
    };
    const { client, told } = await connected();
    await client.subscribe('x', { last: 2 });
    expect(told.slice(1)).toEqual(['t4 missed', 't5 missed', 't6']);
    server.answers.subscribe = () => entered(6, { missed: missed(6, []) });
    await reconnected(client, () => server.cut());
    await soon(() => expect(server.asked('subscribe')).toHaveLength(2));
    await client.unsubscribe('x');
    await client.subscribe('x', { last: 1 });
    expect(server.asked('subscribe')).toEqual([
      { topic: 'x', last: 2 },
      { topic: 'x', cursor: { epoch: 'a', offset: 6 } },
      { topic: 'x', last: 1 },
    ]);
  });

  test('begin with the cursor that an earlier page has left, whatever is asked', async () => {
    server.answers.subscribe = () => entered(9, { missed: missed(9, [inTopic(9)]) });
    const storage = { get: () => JSON.stringify({ 'topic:x': { epoch: 'a', offset: 8 } }), set: () => {} };
    const { client, told } = await connected({ storage });
    await client.subscribe('x', { last: 5 });
    expect(server.asked('subscribe')).toEqual([{ topic: 'x', cursor: { epoch: 'a', offset: 8 } }]);
    expect(told.at(-1)).toBe('t9 missed');
  });

  test('that were left are not entered again, nor reported any more', async () => {
    server.answers.subscribe = () => entered(5);
    server.answers.unsubscribe = (_body, socket) => {
      socket.emit('notification', inTopic(6));
      return { audience: 'topic:x' };
    };
    const { client, told } = await connected();
    await client.subscribe('x');
    await client.unsubscribe('x');
    await reconnected(client, () => server.cut());
    server.socket.emit('notification', notification(1));
    await soon(() => expect(told.at(-1)).toBe('e1'));
    expect(told).not.toContain('t6');
    expect(server.asked('subscribe')).toHaveLength(1);
  });

  test('that are left before they are entered are left after it', async () => {
    let answer = (_: unknown) => {};
    server.answers.subscribe = () => new Promise((resolve) => (answer = resolve));
    server.answers.unsubscribe = () => ({ audience: 'topic:x' });
    const { client } = await connected();
    const subscribed = client.subscribe('x');
    await soon(() => expect(server.asked('subscribe')).toHaveLength(1));
    await client.unsubscribe('x');
    expect(server.asked('unsubscribe')).toHaveLength(0);
    answer(entered(5));
    await subscribed;
    await soon(() => expect(server.asked('unsubscribe')).toEqual([{ topic: 'x' }]));
  });

  test('that are left and wanted again before they are entered begin anew', async () => {
    const answers: ((answer: unknown) => void)[] = [];
    server.answers.subscribe = () => new Promise((resolve) => answers.push(resolve));
    server.answers.unsubscribe = (_body, socket) => {
      socket.emit('notification', inTopic(6));
      return { audience: 'topic:x' };
    };
    const { client, told } = await connected();
    const first = client.subscribe('x');
    await soon(() => expect(answers).toHaveLength(1));
    await client.unsubscribe('x');
    const second = client.subscribe('x', { last: 1 });
    answers[0]?.(entered(5, { missed: missed(5, [inTopic(5)]) }));
    await first;
    await soon(() => expect(answers).toHaveLength(2));
    answers[1]?.(entered(7, { missed: missed(7, [inTopic(7)]) }));
    await second;
    expect(told).toEqual(['connected', 't7 missed']);
    expect(server.asked('unsubscribe')).toEqual([{ topic: 'x' }]);
    expect(server.asked('subscribe')).toEqual([{ topic: 'x' }, { topic: 'x', last: 1 }]);
    server.answers.subscribe = () => entered(7, { missed: missed(7, []) });
    await reconnected(client, () => server.cut());
    await soon(() =>
      expect(server.asked('subscribe').slice(2)).toEqual([{ topic: 'x', cursor: { epoch: 'a', offset: 7 } }]),
    );
    await client.unsubscribe('x');
    // It may not be entered yet, and is left after that.
    await soon(() => expect(server.asked('unsubscribe')).toHaveLength(2));
  });

  test('that the token does not allow are refused, reported as an error, and not asked again', async () => {
    server.answers.subscribe = () => ({ error: { code: 'forbidden', message: 'no' } });
    const { client, told } = await connected();
    await expect(client.subscribe('x')).rejects.toMatchObject({ code: 'forbidden' });
    expect(told).toEqual(['connected', 'error forbidden']);
    await reconnected(client, () => server.cut());
    expect(server.asked('subscribe')).toHaveLength(1);
  });

  test('that cannot be recovered are reported with resync', async () => {
    server.answers.subscribe = () => entered(8, { missed: missed(8, [], false) });
    const { client, told } = await connected();
    await client.subscribe('x');
    expect(told).toEqual(['connected', 'resync topic:x']);
  });
});
