/** Embedded mode as the examples use it, with tokens that it hands out: what operators and producers do there works as elsewhere. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { admin } from '../../support/admin.ts';
import { type CarillonProcess, startCarillon } from '../../support/carillon.ts';
import { connectClient, type TestClient } from '../../support/client.ts';
import { type MadeEvent, madeEvent } from '../../support/producer.ts';
import { SignalStream } from '../../support/signal-stream.ts';
import { until } from '../../support/until.ts';

const TIMEOUT_MS = 20_000;

let carillon: CarillonProcess;
let clients: TestClient[] = [];
let users = 0;

beforeAll(async () => {
  carillon = await startCarillon({ UNREACHED_AFTER: '1', DRAIN_SECONDS: '1' });
});
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});
afterAll(async () => {
  await carillon.stop();
});

function newUser(): string {
  users += 1;
  return `ada-${users}`;
}

async function demoToken(user: string, more: Record<string, string> = {}): Promise<string> {
  const query = new URLSearchParams({ user, ...more });
  const response = await fetch(`${carillon.url}/demo/token?${query}`);
  return z.object({ token: z.string() }).parse(await response.json()).token;
}

async function enter(user: string, departments = ''): Promise<TestClient> {
  const client = connectClient(carillon.url, await demoToken(user, { departments }));
  clients.push(client);
  await client.session();
  return client;
}

async function publish(...events: readonly MadeEvent[]): Promise<number> {
  const response = await fetch(`${carillon.url}/v1/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await demoToken('a-service')}`,
      'content-type': 'application/cloudevents-batch+json',
    },
    body: JSON.stringify(events),
  });
  return response.status;
}

async function inbox(user: string, departments = ''): Promise<unknown> {
  const token = await demoToken(user, { departments });
  const answer = await fetch(`${carillon.url}/v1/inbox`, { headers: { authorization: `Bearer ${token}` } });
  return await answer.json();
}

const ids = (...names: readonly string[]) => names.map((id) => expect.objectContaining({ id }));
const operator = () => demoToken('operator', { scope: 'admin' });

test('a token for operators is handed out as well, and is for nothing else', async () => {
  const deadLetters = (token: string) => admin(carillon, 'GET', 'dead-letters', { token });
  expect((await deadLetters(await operator())).status).toBe(200);
  expect((await deadLetters(await demoToken('ada'))).status).toBe(403);
  const response = await fetch(`${carillon.url}/v1/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await operator()}`,
      'content-type': 'application/cloudevents+json',
    },
    body: JSON.stringify(madeEvent('x', { audience: 'global' })),
  });
  expect(response.status).toBe(403);
  const wrong = await fetch(`${carillon.url}/demo/token?user=ada&scope=everything`);
  expect([wrong.status, await wrong.json()]).toMatchObject([400, { code: 'bad_request' }]);
});

test('an operator moves a user between departments, connected or not', async () => {
  const user = newUser();
  const [sales, board] = [`sales-${user}`, `board-${user}`];
  const path = `users/${user}/departments`;
  const client = await enter(user, sales);
  const departments = async () => (await client.session()).departments;
  const give = async (names: readonly string[]) =>
    (await admin(carillon, 'PUT', path, { token: await operator(), body: { departments: names } })).status;

  expect(await give([board])).toBeLessThan(300);
  await until('the other department', TIMEOUT_MS, async () => (await departments()).join() === board);
  await publish(
    madeEvent(`${user} for sales`, { audience: `department:${sales}` }),
    madeEvent(`${user} for the board`, { audience: `department:${board}` }),
    madeEvent(`${user} alone`, { audience: `user:${user}` }),
  );
  expect(await client.received(2)).toEqual(
    expect.arrayContaining(ids(`${user} for the board`, `${user} alone`)),
  );
  expect(client.notifications).toHaveLength(2);
  expect(await inbox(user, sales)).toMatchObject({
    notifications: expect.not.arrayContaining(ids(`${user} for sales`)),
    unseen: 2,
  });

  client.close();
  expect((await admin(carillon, 'DELETE', path, { token: await operator() })).status).toBeLessThan(300);
  expect((await (await enter(user, sales)).session()).departments).toEqual([sales]);
});

test('an order is replaced, taken back, and reported to others when nobody came', async () => {
  const signals = await SignalStream.open(carillon.url);
  const [there, away] = [newUser(), newUser()];
  const client = await enter(there);
  const order = (user: string, id: string, more: Record<string, unknown>) =>
    madeEvent(`${user} ${id}`, { source: '/orders', audience: `user:${user}`, ...more });
  const story = (user: string) => [
    order(user, 'placed', { type: 'order.placed', collapsekey: `order-${user}` }),
    order(user, 'offer', { type: 'order.offered' }),
    order(user, 'shipped', { type: 'order.shipped', collapsekey: `order-${user}` }),
    order(user, 'back', { type: 'carillon.retract', data: { id: `${user} offer` } }),
  ];
  expect(await publish(...story(there), ...story(away))).toBe(202);
  const live = ['placed', 'offer', 'shipped', 'back'].map((id) => `${there} ${id}`);
  expect(await client.received(4)).toEqual(ids(...live));
  for (const user of [away, there]) {
    if (user === away) await signals.heard(away);
    expect(await inbox(user)).toMatchObject({ notifications: ids(`${user} shipped`), unseen: 1, unread: 1 });
  }
  const unreached = signals.signals.filter(({ type }) => type === 'carillon.notification.unreached');
  expect(unreached).toMatchObject([
    { subject: away, data: { notification: { id: `${away} shipped`, type: 'order.shipped' } } },
  ]);
  signals.close();
});
