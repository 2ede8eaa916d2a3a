/** Signals of embedded mode: what RabbitMQ would be told, as Server-Sent Events, and nothing that waits for a reader. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type SignalName, signalEventSchema } from '../../../../src/contract/signal.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { type ClientOptions, connectClient, type TestClient } from '../../../support/client.ts';
import { type MadeEvent, madeEvent } from '../../../support/producer.ts';
import { freshRedis, freshVhost } from '../../../support/servers.ts';
import { SignalStream } from '../../../support/signal-stream.ts';
import { until } from '../../../support/until.ts';

const UNREACHED = 'carillon.notification.unreached';

let carillon: CarillonProcess;
let signals: SignalStream;
let clients: TestClient[] = [];
let users = 0;

beforeAll(async () => {
  carillon = await startCarillon({ JWT_SECRET, UNREACHED_AFTER: '1', DRAIN_SECONDS: '1' });
  signals = await SignalStream.open(carillon.url, { 'accept-encoding': 'gzip, br' });
});
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});
afterAll(async () => {
  signals.close();
  await carillon.stop();
});

function newUser(): string {
  users += 1;
  return `ada-${users}`;
}

async function enter(user: string, options: ClientOptions = {}) {
  const client = connectClient(carillon.url, await tokenFor(user, { topics: ['*'] }), options);
  clients.push(client);
  const { session } = await client.session();
  return { client, session };
}

const eventFor = (user: string, id: string, more: Record<string, unknown> = {}): MadeEvent =>
  madeEvent(id, { audience: `user:${user}`, source: `/${user}`, ...more });

async function publish(...events: readonly MadeEvent[]): Promise<void> {
  const response = await fetch(`${carillon.url}/v1/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await tokenFor('a-service', { scope: 'events:write' })}`,
      'content-type': 'application/cloudevents-batch+json',
    },
    body: JSON.stringify(events),
  });
  expect(response.status).toBe(202);
}

async function overHttp(user: string, path: string, body?: object): Promise<void> {
  const response = await fetch(`${carillon.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${await tokenFor(user)}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(response.status).toBe(200);
}

/** Everything that was due before is judged: checks come back in their order. */
async function allJudged(): Promise<void> {
  const last = newUser();
  await publish(eventFor(last, 'last'));
  await signals.heard(last);
}

const unreachedOf = (user: string) =>
  signals.told(user).flatMap(([type, data]) => (type === UNREACHED ? [data] : []));

test('come as they are told, whatever the reader can inflate', async () => {
  expect(signals.headers).toMatchObject({
    'content-type': expect.stringMatching(/^text\/event-stream/),
    'cache-control': 'no-store',
  });
  expect(signals.headers).not.toHaveProperty('content-encoding');
  await expect.poll(() => signals.others).toContain(':');
});

test('tell what a user does, as the contract has it', async () => {
  const user = newUser();
  const { client, session } = await enter(user, { auth: { device: 'phone' } });
  await client.ask('subscribe', { topic: 'news' });
  await client.ask('unsubscribe', { topic: 'news' });
  await publish(eventFor(user, 'a'), eventFor(user, 'b'));
  await client.received(2);
  await client.ask('mark', { as: 'read', ids: ['a'] });
  await overHttp(user, '/v1/inbox/marks', { as: 'archived', all: true });
  client.close();
  const heard = await signals.heard(user, 6);
  const names: readonly SignalName[] = [
    'client.connected',
    'topic.joined',
    'topic.left',
    'notification.read',
    'notification.read',
    'client.disconnected',
  ];
  for (const [i, name] of names.entries())
    expect(() => signalEventSchema(name).parse(heard[i])).not.toThrow();
  const at = { user, session, device: 'phone', node: expect.any(String), address: '127.0.0.1' };
  expect(signals.told(user)).toEqual([
    ['carillon.client.connected', { ...at, transport: 'websocket' }],
    ['carillon.topic.joined', { user, session, topic: 'news' }],
    ['carillon.topic.left', { user, session, topic: 'news' }],
    ['carillon.notification.read', { user, as: 'read', ids: ['a'], by: session }],
    ['carillon.notification.read', { user, as: 'archived', all: true, by: 'http' }],
    ['carillon.client.disconnected', { ...at, transport: 'websocket' }],
  ]);
  expect(new Set(heard.map(({ id }) => id)).size).toBe(heard.length);
});

test('tell every reader, and one that is gone holds up nobody', async () => {
  const [second, gone] = [await SignalStream.open(carillon.url), await SignalStream.open(carillon.url)];
  gone.close();
  const user = newUser();
  await enter(user);
  expect(await second.heard(user)).toEqual(await signals.heard(user));
  expect(second.headers).not.toHaveProperty('content-encoding');
  second.close();
});

describe('unreached', () => {
  test('gets one for each notification that nobody came for', async () => {
    const user = newUser();
    const first = eventFor(user, 'first', { type: 'order.shipped', data: { title: 'Shipped' } });
    await publish(first, eventFor(user, 'second'), first);
    await allJudged();
    await publish(first);
    await allJudged();
    const audience = `user:${user}`;
    expect(signals.of(user).map(({ id }) => id)).toEqual(
      [1, 2].map((offset) => expect.stringMatching(RegExp(`^unreached ${audience} [0-9a-f]+ ${offset}$`))),
    );
    for (const signal of signals.of(user)) {
      expect(() => signalEventSchema('notification.unreached').parse(signal)).not.toThrow();
      expect(signal).toMatchObject({ source: '/carillon', type: UNREACHED, subject: user });
    }
    expect(unreachedOf(user)).toMatchObject([
      { user, audience, offset: 1, notification: { id: 'first', data: { title: 'Shipped' } } },
      { user, audience, offset: 2, notification: { id: 'second' } },
    ]);
  });

  test('gets none for what was replaced or taken back, and one for what took its place', async () => {
    const user = newUser();
    await publish(
      eventFor(user, 'wrong'),
      eventFor(user, 'placed', { collapsekey: 'order-1' }),
      eventFor(user, 'shipped', { collapsekey: 'order-1' }),
      eventFor(user, 'back', { type: 'carillon.retract', data: { id: 'wrong' } }),
    );
    await allJudged();
    expect(unreachedOf(user)).toMatchObject([{ offset: 3, notification: { id: 'shipped' } }]);
  });
});

describe('unreached, when there is time to come,', () => {
  let [hasty, ofHasty]: [CarillonProcess, SignalStream] | [] = [];
  beforeAll(async () => {
    [hasty, ofHasty] = [carillon, signals];
    // Whoever comes is here in time on a busy machine, too.
    carillon = await startCarillon({ JWT_SECRET, UNREACHED_AFTER: '6', DRAIN_SECONDS: '1' });
    signals = await SignalStream.open(carillon.url);
  });
  afterAll(async () => {
    signals.close();
    await carillon.stop();
    if (hasty !== undefined && ofHasty !== undefined) [carillon, signals] = [hasty, ofHasty];
  });

  test('gets none for what came live, was fetched, was marked, or was for others', async () => {
    const [live, fetched, marked, other] = [newUser(), newUser(), newUser(), newUser()];
    const { client } = await enter(live);
    await publish(
      ...[live, fetched, marked].map((user) => eventFor(user, 'a')),
      madeEvent('b', { audience: `department:${other}`, source: `/${other}` }),
    );
    await client.received(1);
    await Promise.all([
      overHttp(fetched, '/v1/inbox'),
      overHttp(marked, '/v1/inbox/marks', { as: 'seen', all: true }),
    ]);
    await allJudged();
    expect([live, fetched, marked, other].flatMap(unreachedOf)).toEqual([]);
  });

  test('gets none for what came to a device that was there and left', async () => {
    const user = newUser();
    await publish(eventFor(user, 'a'));
    const { client } = await enter(user);
    client.close();
    await allJudged();
    expect(unreachedOf(user)).toEqual([]);
  });
});

test('are counted, also when nobody reads', async () => {
  const unheard = await startCarillon({ JWT_SECRET, DRAIN_SECONDS: '1' });
  const client = connectClient(unheard.url, await tokenFor('ada'));
  await client.session();
  await expect
    .poll(async () => (await fetch(`${unheard.opsUrl}/metrics`)).text())
    .toContain('carillon_signals_total{type="client.connected",outcome="unrouted"} 1');
  client.close();
  await unheard.stop();
});

test('end with the service, after the last one, and hold up nothing', async () => {
  const other = await startCarillon({ JWT_SECRET, UNREACHED_AFTER: '1', DRAIN_SECONDS: '1' });
  const stream = await SignalStream.open(other.url);
  const client = connectClient(other.url, await tokenFor('ada'));
  await client.session();
  expect(await other.stop()).toBe(0);
  await stream.ended;
  expect(stream.told('ada').map(([type]) => type)).toEqual([
    'carillon.client.connected',
    'carillon.client.disconnected',
  ]);
  expect(stream.told('ada').at(-1)).toMatchObject([expect.anything(), { code: 'shutting_down' }]);
  const said = other.output.join('\n');
  expect(said).not.toContain('took too long');
});

test("with real parts they are RabbitMQ's alone", async () => {
  const [AMQP_URL, REDIS_URL] = await Promise.all([freshVhost(), freshRedis()]);
  const real = await startCarillon({ AMQP_URL, REDIS_URL, JWT_SECRET });
  await until('the answer', 20_000, async () => (await fetch(`${real.url}/demo/signals`)).status === 404);
  await real.stop();
});
