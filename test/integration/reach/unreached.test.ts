/** `unreached`: nobody came for a notification. One signal for each such notification and user, and none for others. */
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type CarillonProcess, tokenFor } from '../../support/carillon.ts';
import { type ClientOptions, connectClient, type TestClient } from '../../support/client.ts';
import { type MadeEvent, madeEvent } from '../../support/producer.ts';
import { SignalListener } from '../../support/signal-listener.ts';
import { type Stack, startStack } from '../../support/stack.ts';
import { until } from '../../support/until.ts';

const TYPE = 'carillon.notification.unreached';
const UNREACHED_AFTER_MS = 2_000;

let stack: Stack;
let control: Redis;
let listener: SignalListener;
let clients: TestClient[] = [];
let users = 0;

beforeAll(async () => {
  stack = await startStack({ UNREACHED_AFTER: String(UNREACHED_AFTER_MS / 1_000), SIGNALS: 'none' });
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

/**
 * Events of a new user are appended, and nothing is judged before `happens` is over: the only consumer stands still.
 * Resolves with the user.
 */
async function meanwhile(
  eventsOf: (user: string) => readonly MadeEvent[],
  happens: (user: string) => Promise<void>,
): Promise<string> {
  for (;;) {
    const user = newUser();
    const events = eventsOf(user);
    const publishedMs = performance.now();
    const isLate = () => performance.now() - publishedMs > UNREACHED_AFTER_MS;
    await stack.producer.publish(...events);
    await until('the appends', 60_000, async () => isLate() || (await length(user)) === events.length);
    stack.consumer.signal('SIGSTOP');
    try {
      // On a machine that is too busy it may have been judged already: again, with another user.
      if (isLate()) continue;
      await happens(user);
      return user;
    } finally {
      stack.consumer.signal('SIGCONT');
    }
  }
}

/** That a session is there is written without anybody waiting for it. */
const present = (user: string) =>
  until('the session to be known', 20_000, async () => (await control.hlen(sessionsOf(user))) === 1);

const sessionsOf = (user: string) => `carillon:{user:${user}}:sessions`;

/** The same of a session that has ended. */
const absent = (user: string) =>
  until('the device', 20_000, async () => (await control.exists(`carillon:{user:${user}}:devices`)) === 1);

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
  await listener.heard(user, 2);
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
  await present(user);
  const event = eventFor(user, 'live');
  await stack.producer.publish(event);
  await client.received(1);
  client.close();
  await stack.producer.publish(event);
  await allJudged();
  expect(ids(user)).toEqual([]);
});

test('a user who came in time, and has left again', async () => {
  const events = (user: string) => [eventFor(user, 'missed')];
  const user = await meanwhile(events, async (user) => {
    const client = enter(stack.gateways[0], await tokenFor(user));
    await client.session();
    client.close();
    await absent(user);
  });
  await allJudged();
  expect(ids(user)).toEqual([]);
});

test('a user who came before, and not since', async () => {
  const user = newUser();
  const client = enter(stack.gateways[0], await tokenFor(user), { auth: { device: 'phone' } });
  await client.session();
  await present(user);
  await stack.producer.publish(eventFor(user, 'live'));
  await client.received(1);
  await overHttp(user, '/v1/inbox');
  client.close();
  await absent(user);
  await stack.producer.publish(eventFor(user, 'missed'));
  await listener.heard(user);
  await allJudged();
  expect(ids(user)).toEqual([2]);
});

test('a user who only fetches over HTTP', async () => {
  const events = (user: string) => [eventFor(user, 'a')];
  const user = await meanwhile(events, async (user) => {
    await overHttp(user, '/v1/inbox?filter=unread');
    // That it was fetched is written behind the answer.
    const known = () => control.exists(`carillon:{user:${user}}:fetched`);
    await until('the fetch', 20_000, async () => (await known()) === 1);
  });
  await stack.producer.publish(eventFor(user, 'b'));
  await listener.heard(user);
  await allJudged();
  expect(ids(user)).toEqual([2]);
});

test('a user who only marks', async () => {
  const events = (user: string) => ['a', 'b', 'c'].map((id) => eventFor(user, id));
  const user = await meanwhile(events, async (user) => {
    await overHttp(user, '/v1/inbox/marks', { as: 'seen', ids: ['a'] });
    await overHttp(user, '/v1/inbox/marks', { as: 'archived', ids: ['c'] });
  });
  await listener.heard(user);
  await allJudged();
  expect(ids(user)).toEqual([2]);
});

test('what has expired, was taken back or replaced is not reported any more', async () => {
  let expiresMs = 0;
  const events = (user: string) => {
    expiresMs = Date.now() + 4_000;
    return [
      eventFor(user, 'expires', { expirytime: new Date(expiresMs).toISOString() }),
      eventFor(user, 'wrong'),
      eventFor(user, 'old', { collapsekey: 'price' }),
      eventFor(user, 'new', { collapsekey: 'price' }),
      eventFor(user, 'back', { type: 'carillon.retract', data: { id: 'wrong' } }),
    ];
  };
  const user = await meanwhile(events, async () => {
    await until('the expiry', 20_000, () => Date.now() > expiresMs);
  });
  await listener.heard(user);
  await allJudged();
  expect(ids(user)).toEqual([4]);
});

test('what the log does not hold any more is not reported', async () => {
  const events = (user: string) => ['a', 'b'].map((id) => eventFor(user, id));
  const user = await meanwhile(events, async (user) => {
    await control.xdel(`carillon:{user:${user}}:log`, '1-0');
  });
  await listener.heard(user);
  await allJudged();
  expect(ids(user)).toEqual([2]);
});

test('a user whose gateway died with the connection', { timeout: 180_000 }, async () => {
  const user = newUser();
  const [gateway] = stack.gateways;
  const client = enter(gateway, await tokenFor(user));
  await client.session();
  await present(user);
  gateway?.signal('SIGKILL');
  await gateway?.exited;
  await stack.producer.publish(eventFor(user, 'missed'));
  // The others take the session for a living one for a while.
  await allJudged();
  await listener.heard(user);
  expect(ids(user)).toEqual([1]);
});

test('a message that is no check is thrown away, and the others are decided', async () => {
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
