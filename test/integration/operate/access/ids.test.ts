/** Ids of any script, from the token and the event through RabbitMQ and Redis to devices, inboxes and operators. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../../../src/clients/client/connect.ts';
import { inboxPageSchema } from '../../../../src/contract/inbox.ts';
import { type AdminAnswer, admin } from '../../../support/admin.ts';
import { tokenFor } from '../../../support/carillon.ts';
import { connectClient, refusalOf, type TestClient } from '../../../support/client.ts';
import { madeEvent } from '../../../support/producer.ts';
import { type Stack, startStack } from '../../../support/stack.ts';
import { until } from '../../../support/until.ts';

let stack: Stack;
let open: { close(): void }[] = [];
beforeAll(async () => {
  stack = await startStack();
});
afterEach(() => {
  for (const client of open) client.close();
  open = [];
});
afterAll(() => stack.stop());

const urlOf = (at = 0) => stack.gateways[at]?.url ?? '';

async function device(token: string, at = 0, auth: object = {}, polls = false): Promise<TestClient> {
  const transports: ('polling' | 'websocket')[] = polls ? ['polling'] : ['websocket'];
  const client = connectClient(urlOf(at), token, { auth: { ...auth }, transports });
  open.push(client);
  await client.session();
  return client;
}

let made = 0;
/** Sends an event as any producer does, and answers its id. */
async function send(audience: string | readonly string[], more: object = {}): Promise<string> {
  made += 1;
  const id = `e${made}`;
  await stack.producer.publish(madeEvent(id, { type: 'ids.test', audience, data: { title: id }, ...more }));
  return id;
}

async function inboxOf(token: string): Promise<readonly string[]> {
  const response = await fetch(`${urlOf()}/v1/inbox`, { headers: { authorization: `Bearer ${token}` } });
  return inboxPageSchema.parse(await response.json()).notifications.map(({ id }) => id);
}

const inPath = (user: string, rest: string) => `users/${encodeURIComponent(user)}/${rest}`;
const inQuery = (user: string, rest: string) => `users/${rest}?${new URLSearchParams({ user })}`;

describe.for<[string, string, string]>([
  ['auth0|5f7c', 'R&D', 'a/b|c'],
  ['张三', '研发部', '行情.btc-usd'],
  ['a/b?c#d%25%2F;e', 'Sales & Marketing', 'Köln: alle'],
  [`O'Neil "Jane" \\`, 'a:b:c "x" \\', 'topic "y" \\'],
  ['global', 'user:1', 'global'],
  ['🔔'.repeat(128), '部'.repeat(128), '行'.repeat(128)],
  ['+a+', '*', 'a+b'],
])('the user %s', ([user, department, topic]) => {
  test('gets events, recovers, marks, publishes and is found by operators', async () => {
    const claims = { departments: [department], topics: ['*'], publish: ['*'] };
    const token = await tokenFor(user, claims);
    const [client, other] = [await device(token), await device(token, 1)];
    const audiences = [`user:${user}`, `department:${department}`, `topic:${topic}`] as const;
    const session = await client.session();
    expect(session).toMatchObject({ user, departments: [department] });
    expect(Object.keys(session.audiences)).toEqual([audiences[0], audiences[1], 'global']);
    expect(await client.ask('subscribe', { topic })).toMatchObject({ audience: audiences[2] });

    const ids = [await send(audiences[0]), await send([...audiences])];
    const received = await client.received(4);
    expect(new Set(received.map(({ id, audience }) => `${id} ${audience}`))).toEqual(
      new Set([`${ids[0]} ${audiences[0]}`, ...audiences.map((audience) => `${ids[1]} ${audience}`)]),
    );

    // With cursors, on the other gateway. Audiences have no order among each other.
    const first = received.find(({ audience, offset }) => audience === audiences[0] && offset === 1);
    const cursors = { [audiences[0]]: { epoch: first?.epoch, offset: 1 } };
    const again = await device(token, 1, { cursors });
    const { missed } = await again.session();
    expect(missed?.[audiences[0]]).toMatchObject({ recovered: true, notifications: [{ id: ids[1] }] });
    expect(await again.ask('sync', { cursors })).toMatchObject({
      audiences: { [audiences[0]]: { recovered: true } },
    });

    expect(await inboxOf(token)).toEqual([ids[1], ids[0]]);
    const upTo = { [audiences[0]]: 2, [audiences[1]]: 1 };
    expect(await client.ask('mark', { as: 'read', upTo })).toMatchObject({
      unread: 0,
    });
    await until('the mark on the other device', 20_000, () => other.marks.length > 0);
    expect(other.marks[0]).toMatchObject({ upTo, unread: 0 });

    // What it publishes is its own, and may be taken back by it.
    const published = await client.ask('publish', {
      topic,
      type: 'chat',
      data: { body: 'hi' },
      id: `by ${made}`,
    });
    expect(published).toEqual({ id: `by ${made}` });
    const [, , , , own] = await client.received(5);
    expect(own).toMatchObject({ id: `by ${made}`, audience: audiences[2] });
    expect(own?.source).toMatch(/^\/users\/[!-~]+$/);
    const data = { id: `by ${made}`, source: own?.source };
    const answer = await client.ask('publish', { topic, type: 'carillon.retract', data });
    expect(answer).toEqual({ id: expect.any(String) });
    await client.received(6);

    const foundBy = (asked: Promise<AdminAnswer>) =>
      expect.poll(() => asked.then(({ answer }) => answer)).toMatchObject({ user });
    for (const pathOf of [inPath, inQuery]) {
      const path = pathOf(user, 'departments');
      await foundBy(admin(stack.consumer, 'GET', pathOf(user, 'sessions')));
      expect(await admin(stack.consumer, 'PUT', path, { body: { departments: [`${department}`] } })).toEqual({
        status: 200,
        answer: { user, departments: [department] },
      });
      expect(await admin(stack.consumer, 'DELETE', path)).toMatchObject({ status: 204 });
    }
    const asked = new URLSearchParams({ event: ids[1] ?? '', user });
    expect(await admin(stack.consumer, 'GET', `explain?${asked}`)).toMatchObject({
      status: 200,
      answer: { user, verdict: 'read' },
    });
    for (const audience of audiences.slice(0, 2)) {
      const path = `audiences/${encodeURIComponent(audience)}`;
      await expect
        .poll(() => admin(stack.consumer, 'GET', path))
        .toMatchObject({ status: 200, answer: { audience, sessions: 3 } });
    }
    expect(await admin(stack.consumer, 'POST', inPath(user, 'disconnect'))).toMatchObject({ status: 202 });
    await until('the last word', 20_000, () =>
      [client, other, again].every(({ goaways }) => goaways.length > 0),
    );
    expect(client.goaways[0]).toMatchObject({ code: 'disconnected' });
  });
});

test('two spellings of one text are one, whoever writes which', async () => {
  const [composed, decomposed] = ['Zo\u00eb', 'Zoe\u0308'];
  const token = await tokenFor(decomposed, { departments: [decomposed], topics: [`${decomposed}.*`] });
  const client = await device(token);
  expect(await client.session()).toMatchObject({ user: composed, departments: [composed] });
  await client.ask('subscribe', { topic: `${decomposed}.1` });
  for (const kind of ['user:', 'department:', 'topic:'])
    for (const id of [composed, decomposed]) await send(`${kind}${id}${kind === 'topic:' ? '.1' : ''}`);
  const received = await client.received(6);
  expect(new Set(received.map(({ audience }) => audience))).toEqual(
    new Set([`user:${composed}`, `department:${composed}`, `topic:${composed}.1`]),
  );
  expect(await admin(stack.consumer, 'GET', inPath(decomposed, 'sessions'))).toMatchObject({
    answer: { user: composed },
  });
  expect(
    await client.ask('sync', { cursors: { [`user:${decomposed}`]: { epoch: '0', offset: 0 } } }),
  ).toMatchObject({
    audiences: { [`user:${composed}`]: {} },
  });
});

test('carillon-client goes on where it was, for a user beyond ASCII', async () => {
  const values = new Map<string, string>();
  const storage = {
    get: (key: string) => values.get(key),
    set: (key: string, value: string) => void values.set(key, value),
  };
  const token = await tokenFor('李 四', { topics: ['*'] });
  const told: string[] = [];
  const begin = async () => {
    const client = connect({ url: urlOf(), token: () => Promise.resolve(token), storage });
    open.push(client);
    client.on('notification', ({ id }) => told.push(id));
    await until('the session', 20_000, () => client.state.status === 'connected');
    return client;
  };
  const first = await begin();
  const before = await send('user:李 四');
  await until('the first', 20_000, () => told.length === 1 && values.size > 0);
  first.close();
  const missed = await send('user:李 四');
  await until('the log', 20_000, async () => (await inboxOf(token)).length === 2);
  const second = await begin();
  await until('what was missed', 20_000, () => told.length === 2);
  expect(told).toEqual([before, missed]);
  await second.subscribe('Cafe\u0301');
  const heard = await send('topic:Caf\u00e9');
  await until('the topic', 20_000, () => told.length === 3);
  expect(told[2]).toBe(heard);
});

describe('a token', () => {
  const detail = 'claim sub: an id has no commas and no braces';

  test('whose sub cannot be used says so to who has it, over the socket and over HTTP', async () => {
    const token = await tokenFor('a,b');
    const client = connectClient(urlOf(), token);
    open.push(client);
    expect(await refusalOf(client)).toEqual({
      message: 'unauthorized',
      data: { code: 'unauthorized', message: detail },
    });
    const response = await fetch(`${urlOf()}/v1/inbox`, { headers: { authorization: `Bearer ${token}` } });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: 'unauthorized', detail });
    const good = await device(await tokenFor('a'));
    expect(await good.ask('authenticate', { token })).toEqual({
      error: { code: 'unauthorized', message: detail },
    });
  });

  test('that is signed by nobody gets no reason', async () => {
    const [header, payload] = (await tokenFor('a,b')).split('.');
    const client = connectClient(urlOf(), `${header}.${payload}.AAAA`);
    open.push(client);
    expect(await refusalOf(client)).toEqual({ message: 'unauthorized', data: { code: 'unauthorized' } });
  });

  test('lets its bearer in without the department that cannot be used, and the log names it', async () => {
    const departments = ['研发部', 'a,b\u001b[31m', 'R&D'];
    const claims = { departments, scope: ['events:write'], topics: ['行情.*', '#'] };
    const client = await device(await tokenFor('王五', claims));
    expect(await client.session()).toMatchObject({ user: '王五', departments: ['研发部', 'R&D'] });
    const named = () =>
      stack.gateways[0]?.output.filter((line) => line.includes('claims of a token skipped')) ?? [];
    await until('the line', 20_000, () => named().length > 0);
    expect(JSON.parse(named()[0] ?? '')).toMatchObject({
      level: expect.anything(),
      user: '王五',
      skipped: ['departments: a,b\u001b[31m', 'topics: #'],
      count: 2,
    });
    expect(named()[0]).not.toMatch(/\p{Cc}/u);
    await device(await tokenFor('王五', claims));
    expect(named()).toHaveLength(1);
    const body = JSON.stringify({
      specversion: '1.0',
      id: 's',
      source: '/s',
      type: 't',
      audience: 'department:研发部',
    });
    const headers = {
      'content-type': 'application/cloudevents+json',
      authorization: `Bearer ${await tokenFor('p', claims)}`,
    };
    const response = await fetch(`${urlOf()}/v1/events`, { method: 'POST', headers, body });
    expect(response.status).toBe(202);
    expect(await client.received(1)).toMatchObject([{ audience: 'department:研发部' }]);
  });
});

describe.for([['websocket', false] as const, ['polling', true] as const])(
  '100 departments over %s',
  ([, polls]) => {
    test('with 128 Chinese characters each, and a cursor of each, are a handshake', async () => {
      const name = (i: number) => `${i}`.padEnd(128, '部');
      const departments = Array.from({ length: 150 }, (_, i) => name(i));
      const kept = departments.slice(0, 100);
      const token = await tokenFor('u', { departments });
      expect(token.length).toBeGreaterThan(60_000);
      const cursors = Object.fromEntries(kept.map((one) => [`department:${one}`, { epoch: '0', offset: 0 }]));
      const client = await device(token, 0, { cursors }, polls);
      const { audiences, missed, departments: given } = await client.session();
      expect(given).toEqual(kept);
      expect(Object.keys(audiences)).toHaveLength(102);
      expect(Object.values(missed ?? {})).toHaveLength(100);
      // The next one, and all cursors at once, are as large.
      const next = await tokenFor('u', { departments }, 1_200);
      expect(await client.ask('authenticate', { token: next })).toEqual({ expiresAt: expect.any(String) });
      expect(await client.ask('sync', { cursors })).toMatchObject({ audiences: expect.any(Object) });
      const sent = await send(`department:${name(99)}`);
      expect(await client.received(1)).toMatchObject([{ id: sent, audience: `department:${name(99)}` }]);
    });

    test('are nobody else’s leave to send as much', async () => {
      const client = await device(await tokenFor('small'), 0, {}, polls);
      const gone = new Promise((resolve) => client.socket.once('disconnect', resolve));
      client.socket.emit('ping', { seq: 1, more: 'x'.repeat(20_000) });
      await gone;
    });
  },
);
