/** `unreached`: nobody came for a notification. One signal for each such notification and user, and none for others. */
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type CarillonProcess, tokenFor } from '../support/carillon.ts';
import { type ClientOptions, connectClient, type TestClient } from '../support/client.ts';
import { type MadeEvent, madeEvent } from '../support/producer.ts';
import { SignalListener } from '../support/signal-listener.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { until } from '../support/until.ts';

const TYPE = 'carillon.notification.unreached';

let stack: Stack;
let control: Redis;
let listener: SignalListener;
let clients: TestClient[] = [];
let users = 0;

beforeAll(async () => {
  stack = await startStack({ UNREACHED_AFTER: '2', SIGNALS: 'none' });
  control = new Redis(stack.redis.url);
  listener = await SignalListener.open(stack.environment.AMQP_URL ?? '');
});
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});
afterAll(async () => {
  control.disconnect();
  await listener.close();
  await stack.stop();
});

function newUser(): string {
  users += 1;
  return `ada-${users}`;
}

const eventFor = (user: string, id: string, more: Record<string, unknown> = {}): MadeEvent =>
  madeEvent(id, { audience: `user:${user}`, ...more });

function enter(gateway: CarillonProcess | undefined, token: string, options: ClientOptions = {}): TestClient {
  const client = connectClient(gateway?.url ?? '', token, options);
  clients.push(client);
  return client;
}

/** Everything that was due before is judged: checks come back in their order. */
async function allJudged(): Promise<void> {
  const last = newUser();
  await stack.producer.publish(eventFor(last, 'last'));
  await listener.heard(last);
}

const ids = (user: string) => listener.of(user).map(({ data }) => data.offset);

const length = (user: string) => control.xlen(`carillon:{user:${user}}:log`);

/** The events are appended, and nothing is judged before `meanwhile` is over: the only consumer stands still. */
async function meanwhile(
  user: string,
  events: readonly MadeEvent[],
  happens: () => Promise<void>,
): Promise<void> {
  const before = await length(user);
  await stack.producer.publish(...events);
  await until('the appends', 20_000, async () => (await length(user)) === before + events.length);
  stack.consumer.signal('SIGSTOP');
  try {
    await happens();
  } finally {
    stack.consumer.signal('SIGCONT');
  }
}

/** At the second gateway. */
async function overHttp(user: string, path: string, body?: object): Promise<void> {
  const response = await fetch(`${stack.gateways[1]?.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${await tokenFor(user)}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(response.status).toBe(200);
}

test('a user who is away: one signal with the notification', async () => {
  const user = newUser();
  await stack.producer.publish(
    eventFor(user, 'shipped', { type: 'order.shipped', data: { title: 'Shipped' } }),
  );
  const [signal] = await listener.heard(user);
  await allJudged();
  const epoch = signal?.data.epoch;
  expect(epoch).toMatch(/^[0-9a-f]{8}$/);
  const audience = `user:${user}`;
  expect(listener.of(user)).toEqual([
    {
      specversion: '1.0',
      id: `unreached ${audience} ${epoch} 1`,
      source: '/carillon',
      type: TYPE,
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      subject: user,
      datacontenttype: 'application/json',
      data: {
        user,
        audience,
        epoch,
        offset: 1,
        notification: {
          id: 'shipped',
          source: '/test',
          type: 'order.shipped',
          time: expect.any(String),
          audience,
          epoch,
          offset: 1,
          at: expect.any(Number),
          severity: 'info',
          data: { title: 'Shipped' },
        },
      },
    },
  ]);
});

test('two notifications are two signals, and a repeated event is none', async () => {
  const user = newUser();
  const first = eventFor(user, 'first');
  await stack.producer.publish(first, eventFor(user, 'second'), first);
  await allJudged();
  await stack.producer.publish(first);
  await allJudged();
  expect(ids(user)).toEqual([1, 2]);
});

test('only audiences of users count', async () => {
  const user = newUser();
  const others = [`department:of-${user}`, `topic:of-${user}`, 'global'];
  await stack.producer.publish(
    madeEvent('others', { audience: others }),
    madeEvent('both', { audience: [...others, `user:${user}`] }),
  );
  await allJudged();
  expect(listener.signals.filter(({ data }) => others.includes(String(data.audience)))).toEqual([]);
  expect(ids(user)).toEqual([1]);
});

test('a user who is connected, on whichever gateway, gets no signal; nor when the event comes again', async () => {
  const user = newUser();
  const client = enter(stack.gateways[1], await tokenFor(user));
  await client.session();
  const event = eventFor(user, 'live');
  await stack.producer.publish(event);
  await client.received(1);
  client.close();
  await stack.producer.publish(event);
  await allJudged();
  expect(ids(user)).toEqual([]);
});

test('a user who came in time, and has left again', async () => {
  const user = newUser();
  await meanwhile(user, [eventFor(user, 'missed')], async () => {
    const client = enter(stack.gateways[0], await tokenFor(user));
    await client.session();
    client.close();
    // That it was there is written without anybody waiting for it.
    const known = () => control.exists(`carillon:{user:${user}}:devices`);
    await until('the device', 20_000, async () => (await known()) === 1);
  });
  await allJudged();
  expect(ids(user)).toEqual([]);
});

test('a user who came before, and not since', async () => {
  const user = newUser();
  const client = enter(stack.gateways[0], await tokenFor(user), { auth: { device: 'phone' } });
  await client.session();
  await stack.producer.publish(eventFor(user, 'live'));
  await client.received(1);
  await overHttp(user, '/v1/inbox');
  client.close();
  await until(
    'the device',
    10_000,
    async () => (await control.exists(`carillon:{user:${user}}:devices`)) === 1,
  );
  await stack.producer.publish(eventFor(user, 'missed'));
  await allJudged();
  expect(ids(user)).toEqual([2]);
});

test('a user who only fetches over HTTP', async () => {
  const user = newUser();
  await meanwhile(user, [eventFor(user, 'a')], () => overHttp(user, '/v1/inbox?filter=unread'));
  await stack.producer.publish(eventFor(user, 'b'));
  await allJudged();
  expect(ids(user)).toEqual([2]);
});

test('a user who only marks', async () => {
  const user = newUser();
  await meanwhile(user, [eventFor(user, 'a'), eventFor(user, 'b'), eventFor(user, 'c')], async () => {
    await overHttp(user, '/v1/inbox/marks', { as: 'seen', ids: ['a'] });
    await overHttp(user, '/v1/inbox/marks', { as: 'archived', ids: ['c'] });
  });
  await allJudged();
  expect(ids(user)).toEqual([2]);
});

test('what has expired, was taken back or replaced is not told any more', async () => {
  const user = newUser();
  const expirytime = new Date(Date.now() + 4_000).toISOString();
  const events = [
    eventFor(user, 'expires', { expirytime }),
    eventFor(user, 'wrong'),
    eventFor(user, 'old', { collapsekey: 'price' }),
    eventFor(user, 'new', { collapsekey: 'price' }),
    eventFor(user, 'back', { type: 'carillon.retract', data: { id: 'wrong' } }),
  ];
  await meanwhile(user, events, async () => {
    await until('the expiry', 20_000, () => Date.now() > Date.parse(expirytime));
  });
  await allJudged();
  expect(ids(user)).toEqual([4]);
});

test('what the log does not hold any more is not told', async () => {
  const user = newUser();
  await meanwhile(user, [eventFor(user, 'a'), eventFor(user, 'b')], async () => {
    await control.xdel(`carillon:{user:${user}}:log`, '1-0');
  });
  await allJudged();
  expect(ids(user)).toEqual([2]);
});

test('a user whose gateway died with the connection', { timeout: 90_000 }, async () => {
  const user = newUser();
  const [gateway] = stack.gateways;
  const client = enter(gateway, await tokenFor(user));
  await client.session();
  const sessions = () => control.hlen(`carillon:{user:${user}}:sessions`);
  await until('the session to be known', 20_000, async () => (await sessions()) === 1);
  gateway?.signal('SIGKILL');
  await gateway?.exited;
  await stack.producer.publish(eventFor(user, 'missed'));
  // The others take the session for a living one for a while.
  await allJudged();
  await listener.heard(user);
  expect(ids(user)).toEqual([1]);
});

test('a message that is no check is thrown away, and the others are judged', async () => {
  const model = await connect(stack.environment.AMQP_URL ?? '');
  const channel = await model.createConfirmChannel();
  for (const body of ['{"audience":"global"}', 'no JSON', '']) {
    channel.sendToQueue('carillon.unreached', Buffer.from(body));
  }
  await channel.waitForConfirms();
  await model.close();
  const thrownAway = () => stack.consumer.output.filter((line) => line.includes('no check')).length;
  await until('all to be thrown away', 20_000, () => thrownAway() === 3);
  await allJudged();
});
