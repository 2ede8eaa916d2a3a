/** Signals of what users do: each is told once, with exactly its content, and no client waits for it. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  type CarillonProcess,
  isReady,
  JWT_SECRET,
  startCarillon,
  tokenFor,
} from '../../../support/carillon.ts';
import { type ClientOptions, connectClient, type TestClient } from '../../../support/client.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { freshRedis, freshVhost } from '../../../support/servers.ts';
import { SignalListener } from '../../../support/signal-listener.ts';
import { startTcpProxy, type TcpProxy } from '../../../support/tcp-proxy.ts';
import { until } from '../../../support/until.ts';

const CONNECTED = 'carillon.client.connected';
const DISCONNECTED = 'carillon.client.disconnected';
const JOINED = 'carillon.topic.joined';
const LEFT = 'carillon.topic.left';
const READ = 'carillon.notification.read';

let environment: Record<string, string>;
let toRabbitMq: TcpProxy;
let carillon: CarillonProcess;
let producer: Producer;
let listener: SignalListener;
let clients: TestClient[] = [];
let users = 0;

beforeAll(async () => {
  const [amqpUrl, redisUrl] = await Promise.all([freshVhost(), freshRedis()]);
  environment = { AMQP_URL: amqpUrl, REDIS_URL: redisUrl, JWT_SECRET };
  toRabbitMq = await startTcpProxy(Number(new URL(amqpUrl).port));
  const disturbed = new URL(amqpUrl);
  disturbed.port = String(toRabbitMq.port);
  // A canary a second: it is in a topic of its own, of which nobody is told.
  carillon = await startCarillon({ ...environment, AMQP_URL: disturbed.href, CANARY_SECONDS: '1' });
  producer = new Producer(amqpUrl);
  listener = await SignalListener.open(amqpUrl);
});
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});
afterAll(async () => {
  await Promise.all([listener.close(), producer.close(), carillon.stop()]);
  await toRabbitMq.close();
});

function newUser(): string {
  users += 1;
  return `ada-${users}`;
}

async function enter(user: string, options: ClientOptions = {}, of = carillon) {
  const client = connectClient(of.url, await tokenFor(user, { topics: ['ticker.*', 'news'] }), options);
  clients.push(client);
  const { session } = await client.session();
  return { client, session };
}

/** Everything that a process did before has been told: signals come in their order. */
async function allTold(): Promise<void> {
  const last = newUser();
  await enter(last);
  await listener.heard(last);
}

async function publishTo(user: string, client: TestClient, ...ids: readonly string[]): Promise<void> {
  await producer.publish(...ids.map((id) => madeEvent(id, { audience: `user:${user}` })));
  await client.received(ids.length);
}

const counted = async (labels: string, of = carillon) => {
  const text = await (await fetch(`${of.opsUrl}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`carillon_signals_total{${labels}}`))
      ?.split(' ')[1],
  );
};

const where = { node: expect.stringMatching(/^.+-[0-9a-f]{6}$/), address: '127.0.0.1' };

test('a signal is a CloudEvent in structured mode, kept on disk, with its type as the routing key', async () => {
  const user = newUser();
  const { session } = await enter(user);
  const [signal] = await listener.heard(user);
  const node = signal?.data.node;
  expect(signal).toEqual({
    specversion: '1.0',
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    source: `/carillon/${node}`,
    type: CONNECTED,
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    subject: user,
    datacontenttype: 'application/json',
    data: { user, session, ...where, transport: 'websocket' },
  });
  const message = listener.messages[listener.signals.findIndex(({ data }) => data.user === user)];
  expect(message?.fields).toMatchObject({ exchange: 'carillon.signals', routingKey: CONNECTED });
  expect(message?.properties).toMatchObject({
    contentType: 'application/cloudevents+json',
    deliveryMode: 2,
    messageId: signal?.id,
  });
});

describe('a client', () => {
  test('that comes and goes by itself', async () => {
    const user = newUser();
    const { client, session } = await enter(user, { auth: { device: 'phone' }, transports: ['polling'] });
    client.close();
    const data = { user, session, device: 'phone', ...where, transport: 'polling' };
    await listener.heard(user, 2);
    await allTold();
    expect(listener.told(user)).toEqual([
      [CONNECTED, data],
      [DISCONNECTED, data],
    ]);
  });

  test('that is sent away, with the code', async () => {
    const user = newUser();
    const { session } = await enter(user);
    const response = await fetch(`${carillon.opsUrl}/admin/users/${user}/disconnect`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await tokenFor('operator', { scope: 'admin' })}`,
        'content-type': 'application/json',
      },
      body: '{}',
    });
    expect(response.status).toBe(202);
    await listener.heard(user, 2);
    await allTold();
    const data = { user, session, ...where, transport: 'websocket' };
    expect(listener.told(user)).toEqual([
      [CONNECTED, data],
      [DISCONNECTED, { ...data, code: 'disconnected' }],
    ]);
  });

  test('that gets its session again, with other departments, has come once', async () => {
    const user = newUser();
    const { client } = await enter(user);
    const response = await fetch(`${carillon.opsUrl}/admin/users/${user}/departments`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${await tokenFor('operator', { scope: 'admin' })}`,
        'content-type': 'application/json',
      },
      body: '{"departments":["sales"]}',
    });
    expect(response.ok).toBe(true);
    await until('the session', 20_000, () => client.names.filter((name) => name === 'session').length === 2);
    client.close();
    await listener.heard(user, 2);
    await allTold();
    expect(listener.told(user).map(([type]) => type)).toEqual([CONNECTED, DISCONNECTED]);
  });

  test('that is refused is none', async () => {
    const user = newUser();
    const refused = connectClient(carillon.url, await tokenFor(user, {}, -60));
    await new Promise((resolve) => refused.socket.once('connect_error', resolve));
    await allTold();
    expect(listener.told(user)).toEqual([]);
  });
});

test('topics that are joined and left, by request, by a narrower token and at the end', async () => {
  const user = newUser();
  const { client, session } = await enter(user);
  await client.ask('subscribe', { topic: 'ticker.a' });
  await client.ask('subscribe', { topic: 'ticker.a' });
  await client.ask('subscribe', { topic: 'forbidden' });
  await client.ask('subscribe', { topic: 'news' });
  await client.ask('subscribe', { topic: 'ticker.b' });
  await client.ask('unsubscribe', { topic: 'ticker.a' });
  await client.ask('authenticate', { token: await tokenFor(user, { topics: ['ticker.*'] }) });
  client.close();
  await listener.heard(user, 8);
  await allTold();
  const topic = (name: string) => ({ user, session, topic: name });
  expect(listener.told(user)).toEqual([
    [CONNECTED, expect.anything()],
    [JOINED, topic('ticker.a')],
    [JOINED, topic('news')],
    [JOINED, topic('ticker.b')],
    [LEFT, topic('ticker.a')],
    [LEFT, topic('news')],
    [LEFT, topic('ticker.b')],
    [DISCONNECTED, expect.anything()],
  ]);
});

test('what is read or archived, once for each request that changed something', async () => {
  const user = newUser();
  const { client, session } = await enter(user);
  await publishTo(user, client, 'a', 'b', 'c', 'd');
  const overHttp = async (body: object) => {
    const response = await fetch(`${carillon.url}/v1/inbox/marks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await tokenFor(user)}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(200);
  };
  await client.ask('mark', { as: 'seen', all: true });
  await client.ask('mark', { as: 'read', ids: ['a', 'unknown'] });
  await client.ask('mark', { as: 'read', ids: ['a'] });
  await client.ask('mark', { as: 'archived', upTo: { [`user:${user}`]: 2 } });
  await client.ask('mark', { as: 'unread', ids: ['c'] });
  await overHttp({ as: 'read', all: true });
  await overHttp({ as: 'read', all: true });
  await overHttp({ as: 'archived', ids: ['a'] });
  await allTold();
  expect(listener.told(user).filter(([type]) => type === READ)).toEqual([
    [READ, { user, as: 'read', ids: ['a', 'unknown'], by: session }],
    [READ, { user, as: 'archived', upTo: { [`user:${user}`]: 2 }, by: session }],
    [READ, { user, as: 'read', all: true, by: 'http' }],
  ]);
});

test('canaries make no signal', async () => {
  const rounds = async () => {
    const text = await (await fetch(`${carillon.opsUrl}/metrics`)).text();
    return Number(/^carillon_canary_round_trip_seconds_count (\d+)/m.exec(text)?.[1]);
  };
  await until('canaries', 20_000, async () => (await rounds()) >= 1);
  await allTold();
  expect(listener.messages.map(({ content }) => String(content)).join()).not.toContain('carillon.canary');
});

test.for<[string, readonly string[]]>([
  ['topic.joined', [JOINED]],
  ['client.disconnected, topic.left', [LEFT, DISCONNECTED]],
  ['none', []],
])('with SIGNALS=%s only these', { timeout: 120_000 }, async ([SIGNALS, types]) => {
  const some = await startCarillon({ ...environment, ROLES: 'gateway', SIGNALS });
  const user = newUser();
  const { client } = await enter(user, {}, some);
  await client.ask('subscribe', { topic: 'news' });
  client.close();
  // When it has ended it has told everything.
  await some.stop();
  await allTold();
  expect(listener.of(user).map(({ type }) => type)).toEqual(types);
});

test('nobody listens: that is no failure', { timeout: 120_000 }, async () => {
  const unheard = await startCarillon({
    AMQP_URL: await freshVhost(),
    REDIS_URL: await freshRedis(),
    JWT_SECRET,
    DRAIN_SECONDS: '1',
  });
  for (let i = 0; i < 3; i += 1) await enter(newUser(), {}, unheard);
  const unrouted = () => counted('type="client.connected",outcome="unrouted"', unheard);
  await until('all to be counted', 20_000, async () => (await unrouted()) === 3);
  expect(unheard.output.filter((line) => line.includes('signals'))).toEqual([]);
  await unheard.stop();
});

test('with RabbitMQ away clients come and go, lost signals are counted, and the log says so once', async () => {
  const labels = 'type="client.connected",outcome="dropped"';
  const droppedBefore = await counted(labels);
  toRabbitMq.blackHole();
  toRabbitMq.cut();
  await expect.poll(() => isReady(carillon)).toBe(false);
  const lost = Array.from({ length: 5 }, newUser);
  for (const user of lost) await enter(user);
  await expect.poll(async () => (await counted(labels)) - droppedBefore).toBe(lost.length);
  toRabbitMq.heal();
  await until('RabbitMQ to be back', 20_000, () => isReady(carillon));
  await allTold();
  expect(lost.flatMap((user) => listener.told(user))).toEqual([]);
  const said = (what: string) => carillon.output.filter((line) => line.includes(`"${what}"`)).length;
  await until('the log', 20_000, () => said('signals are published again') > 0);
  expect([said('signals are dropped'), said('signals are published again')]).toEqual([1, 1]);
});
