/** An operator gives a user departments: live sockets move on every node, nothing is lost and nothing comes twice. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../../../src/clients/client/connect.ts';
import { inboxPageSchema } from '../../../../src/contract/inbox.ts';
import { admin } from '../../../support/admin.ts';
import { isReady, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { Checker, flawless } from '../../../support/checker.ts';
import { connectClient, type TestClient } from '../../../support/client.ts';
import { Membership } from '../../../support/membership.ts';
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

const urlOf = (at: number) => stack.gateways[at]?.url ?? '';

async function device(user: string, at: number, departments: readonly string[]): Promise<TestClient> {
  const token = await tokenFor(user, { departments, topics: ['*'] });
  const client = connectClient(urlOf(at), token);
  open.push(client);
  await client.session();
  return client;
}

const give = (user: string, departments: readonly string[], by = stack.consumer) =>
  admin(by, 'PUT', `users/${user}/departments`, { body: { departments } });

const isIn = (client: TestClient, departments: readonly string[]) =>
  expect.poll(async () => (await client.session()).departments).toEqual(departments);

async function inboxOf(user: string, departments: readonly string[]): Promise<unknown> {
  const token = await tokenFor(user, { departments });
  const response = await fetch(`${urlOf(0)}/v1/inbox`, { headers: { authorization: `Bearer ${token}` } });
  return inboxPageSchema
    .parse(await response.json())
    .notifications.map(({ id }) => id)
    .sort();
}

describe('given departments', () => {
  test('take the place of the claim on every node, over reconnects and fresh tokens, until they are taken back', async () => {
    const devices = await Promise.all([device('ada', 0, ['sales']), device('ada', 1, ['sales'])]);
    const neighbour = await device('bob', 0, ['sales']);
    expect(await admin(stack.consumer, 'GET', 'users/ada/departments')).toMatchObject({
      status: 404,
      answer: { code: 'not_found' },
    });
    const answer = { user: 'ada', departments: ['north', 'east'] };
    expect(await give('ada', ['north', 'east', 'north'])).toEqual({ status: 200, answer });
    expect(await admin(stack.consumer, 'GET', 'users/ada/departments')).toEqual({ status: 200, answer });
    for (const one of devices) {
      await isIn(one, ['north', 'east']);
      const { audiences } = await one.session();
      expect(Object.keys(audiences).sort()).toEqual([
        'department:east',
        'department:north',
        'global',
        'user:ada',
      ]);
      // Also with a fresh token, which claims what it always has.
      await one.ask('authenticate', { token: await tokenFor('ada', { departments: ['sales'] }) });
    }
    const checker = new Checker();
    await stack.producer.publish(checker.next('department:sales'), checker.next('department:north'));
    for (const one of devices) {
      expect((await one.received(1)).map(({ id }) => id)).toEqual(['department:north#1']);
    }
    expect((await neighbour.received(1)).map(({ id }) => id)).toEqual(['department:sales#1']);
    expect(neighbour.names.filter((name) => name === 'session')).toHaveLength(1);
    expect(await inboxOf('ada', ['sales'])).toEqual(['department:north#1']);

    const started = await startCarillon({ ...stack.environment, ROLES: 'gateway' });
    const again = connectClient(started.url, await tokenFor('ada', { departments: ['sales'] }));
    open.push(again);
    expect((await again.session()).departments).toEqual(['north', 'east']);
    expect(again.names).toEqual(['session']);
    await started.stop();

    expect(await admin(stack.consumer, 'DELETE', 'users/ada/departments')).toMatchObject({ status: 204 });
    for (const one of devices) await isIn(one, ['sales']);
    expect(await admin(stack.consumer, 'DELETE', 'users/ada/departments')).toMatchObject({ status: 204 });
    for (const one of devices) expect(one.notifications.map(({ id }) => id)).toEqual(['department:north#1']);
  });

  test('may be none, and the same again sends nobody anything', async () => {
    const one = await device('eve', 0, ['sales']);
    await give('eve', []);
    await isIn(one, []);
    expect(Object.keys((await one.session()).audiences).sort()).toEqual(['global', 'user:eve']);
    await give('eve', []);
    await give('eve', ['sales']);
    await isIn(one, ['sales']);
    expect(one.names.filter((name) => name === 'session')).toHaveLength(3);
  });

  test('that are taken back leave those of the newest token, also when none were given', async () => {
    const one = await device('moe', 0, ['sales']);
    const token = await tokenFor('moe', { departments: ['sales', 'north'] });
    await one.ask('authenticate', { token });
    expect(await admin(stack.consumer, 'DELETE', 'users/moe/departments')).toMatchObject({ status: 204 });
    await isIn(one, ['sales', 'north']);
  });

  test('leave topics alone, and what is counted is what the user has now', async () => {
    const one = await device('kim', 1, ['west']);
    const southerner = await device('kai', 1, ['south']);
    await one.ask('subscribe', { topic: 'news' });
    const checker = new Checker();
    await stack.producer.publish(checker.next('department:west'), checker.next('department:south'));
    await one.received(1);
    // What was there before counts no more than it was told.
    await southerner.received(1);
    expect(await one.ask('inbox', {})).toMatchObject({ unseen: 1 });
    await give('kim', ['south']);
    await isIn(one, ['south']);
    expect(await one.session()).toMatchObject({ unseen: 0 });
    expect(await one.ask('inbox', {})).toMatchObject({ notifications: [], unseen: 0 });
    await stack.producer.publish(checker.next('topic:news'), checker.next('department:south'));
    expect((await one.received(3)).map(({ id }) => id).sort()).toEqual([
      'department:south#2',
      'department:west#1',
      'topic:news#1',
    ]);
  });

  test('with Redis away are refused, and after it the same works', async () => {
    const one = await device('lea', 0, ['sales']);
    await stack.redis.kill();
    expect(await give('lea', ['north'])).toMatchObject({
      status: 503,
      answer: { code: 'redis_unavailable' },
    });
    await stack.redis.restart();
    // The next test needs both gateways, too.
    for (const process of [stack.consumer, ...stack.gateways])
      await expect.poll(() => isReady(process)).toBe(true);
    expect(await give('lea', ['north'])).toMatchObject({ status: 200 });
    await isIn(one, ['north']);
  });

  test.for<[string, unknown]>([
    ['nothing', {}],
    ['no array', { departments: 'sales' }],
    ['one that cannot be', { departments: ['a}b'] }],
    ['too many', { departments: Array.from({ length: 101 }, (_, i) => `d${i}`) }],
  ])('that are %s are refused', async ([, body]) => {
    const refused = await admin(stack.consumer, 'PUT', 'users/zoe/departments', { body });
    expect(refused).toMatchObject({ status: 400, answer: { code: 'bad_request' } });
    expect(await admin(stack.consumer, 'GET', 'users/zoe/departments')).toMatchObject({ status: 404 });
  });

  test('are for operators only', async () => {
    const token = await tokenFor('zoe', { scope: 'events:write' });
    const body = { departments: ['board'] };
    expect(await admin(stack.consumer, 'PUT', 'users/zoe/departments', { body, token })).toMatchObject({
      status: 403,
    });
  });
});

test('a user is moved while events flow to all departments: nothing is lost, nothing comes twice', async () => {
  const departments = ['red', 'blue'] as const;
  const audiences = ['department:red', 'department:blue', 'user:mia'] as const;
  const checker = new Checker();
  const members: Membership[] = [];
  const states: string[] = [];
  for (const at of [0, 1]) {
    const token = await tokenFor('mia', { departments });
    const [plain, ours] = [new Membership(audiences), new Membership(audiences)];
    const socket = connectClient(urlOf(at), token);
    socket.socket.on('session', (session) => plain.session(session));
    socket.socket.on('notification', (notification) => plain.notification(notification));
    const client = connect({ url: urlOf(at), token: () => token });
    client.on('session', (session) => ours.session(session));
    client.on('notification', (notification) => ours.notification(notification));
    client.on('state', ({ status }) => states.push(status));
    open.push(socket, client);
    members.push(plain, ours);
  }
  const told = (count: number) =>
    expect.poll(() => members.map(({ sessions }) => sessions.length)).toEqual(members.map(() => count));
  await told(1);

  let isPublishing = true;
  const publish = () => stack.producer.publish(...audiences.map((audience) => checker.next(audience)));
  let published = 0;
  const publishing = (async () => {
    while (isPublishing) {
      await publish();
      published += 1;
    }
  })();
  const moves = [['red'], ['blue'], [], ['blue', 'red'], ['blue'], ['red'], ['blue'], ['red', 'blue']];
  let sessions = 1;
  for (let round = 0; round < 3; round += 1) {
    for (const [i, given] of moves.entries()) {
      const by = [stack.consumer, ...stack.gateways][i % 3];
      expect(await give('mia', given, by)).toMatchObject({ status: 200 });
      sessions += 1;
      await told(sessions);
      // Some before each move, however slow the machine is.
      const before = published;
      await until('more events', 20_000, () => published > before);
    }
  }
  isPublishing = false;
  await publishing;
  await publish();

  for (const audience of audiences) {
    await expect
      .poll(() => members.map((member) => member.reached(audience)))
      .toEqual(members.map(() => checker.count(audience)));
  }
  const expected = audiences.reduce((sum, audience) => sum + checker.count(audience), 0);
  expect(expected).toBeGreaterThan(50);
  expect(members.map((member) => checker.judge(member.seen()))).toEqual(
    members.map(() => flawless(expected)),
  );
  expect(states).toEqual(['connected', 'connected']);
});
