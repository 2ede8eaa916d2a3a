/**
 * Nobody misses anything: clients that go away, gateways that die, Pub/Sub that drops messages, logs that begin anew.
 * Every case is judged by the checker. Plain clients have no cursors; tracking clients present theirs.
 */
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Audience } from '../../src/contract/audience.ts';
import { appendAt } from '../support/append.ts';
import { startCarillon } from '../support/carillon.ts';
import { Checker, flawless } from '../support/checker.ts';
import type { TestClient } from '../support/client.ts';
import { Producer } from '../support/producer.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { StackClients } from '../support/stack-clients.ts';
import { until } from '../support/until.ts';

// Longer than its clients wait for anything.
vi.setConfig({ testTimeout: 120_000 });

let stack: Stack;
let control: Redis;
let clients: StackClients;

beforeAll(async () => {
  stack = await startStack({ FEED_CHECK_SECONDS: '2', INBOX_MAX_LENGTH: '5000' });
  clients = new StackClients(stack);
  control = new Redis(stack.redis.url);
});
afterEach(() => clients.closeAll());
afterAll(async () => {
  control.disconnect();
  await stack.stop();
});

/** Writes to the log as an append does whose publish is lost on the way. */
async function appendUnpublished(checker: Checker, audience: Audience): Promise<void> {
  await appendAt(control, () => 'nowhere', audience, checker.next(audience).id);
}

const idsOf = (client: TestClient) => client.notifications.map(({ id }) => id);

describe('a client that goes away and comes back', () => {
  test.for([
    ['for a moment', 20, 0],
    ['for as many as are recovered', 300, 0],
    ['for more than are recovered: from the inbox', 1_000, 1],
  ] as const)('%s', async ([, count, unrecovered]) => {
    const checker = new Checker();
    const { user, audience } = clients.newUser();
    const client = await clients.track(user);
    await clients.publish(checker, audience, 5);
    await client.saw(audience, 5);
    client.leave();
    await clients.publish(checker, audience, count);
    await until('all to be in the inbox', 60_000, async () => {
      return (await control.xlen(`carillon:{${audience}}:log`)) === count + 5;
    });
    client.connect();
    await client.saw(audience, count + 5);
    await clients.publish(checker, audience, 5);
    await client.saw(audience, count + 10);
    expect(checker.judge([{ audience, ids: client.seen(audience) }])).toEqual(flawless(count + 10));
    expect(client.unrecovered).toBe(unrecovered);
  });

  test('while events keep coming, again and again, to the other gateway each time', async () => {
    const checker = new Checker();
    const { user, audience } = clients.newUser();
    const client = await clients.track(user);
    let isPublishing = true;
    const publishing = (async () => {
      while (isPublishing) await clients.publish(checker, audience, 10);
    })();
    for (let i = 0; i < 15; i += 1) {
      await client.saw(audience, client.seen(audience).length + 20);
      client.leave();
      client.connect();
      await client.begun(client.sessions + 1);
    }
    isPublishing = false;
    await publishing;
    const count = checker.count(audience);
    await client.saw(audience, count);
    expect(checker.judge([{ audience, ids: client.seen(audience) }])).toEqual(flawless(count));
  });

  test('after its log was trimmed past its place: what is left comes from the inbox', async () => {
    const { user, audience } = clients.newUser();
    const checker = new Checker();
    const client = await clients.track(user);
    await clients.publish(checker, audience, 3);
    await client.saw(audience, 3);
    client.leave();
    await clients.publish(checker, audience, 10);
    const log = `carillon:{${audience}}:log`;
    await until('the log', 20_000, async () => (await control.xlen(log)) === 13);
    await control.xtrim(log, 'MAXLEN', 4);
    client.connect();
    await client.saw(audience, 7);
    expect(client.unrecovered).toBe(1);
    expect(client.seen(audience)).toEqual([1, 2, 3, 10, 11, 12, 13].map((n) => `${audience}#${n}`));
  });
});

describe('a plain client that stays', () => {
  test('gets a lost message as soon as the next one reveals the hole', async () => {
    const checker = new Checker();
    const { user, audience } = clients.newUser();
    const client = await clients.plain(user);
    await clients.publish(checker, audience, 3);
    await client.received(3);
    await appendUnpublished(checker, audience);
    await appendUnpublished(checker, audience);
    await clients.publish(checker, audience, 1);
    await client.received(6);
    expect(checker.judge([{ audience, ids: idsOf(client) }])).toEqual(flawless(6));
  });

  test('gets a lost last message at the next check', async () => {
    const checker = new Checker();
    const { user, audience } = clients.newUser();
    const client = await clients.plain(user, clients.urls[1]);
    await clients.publish(checker, audience, 2);
    await client.received(2);
    await appendUnpublished(checker, audience);
    await client.received(3);
    expect(checker.judge([{ audience, ids: idsOf(client) }])).toEqual(flawless(3));
  });

  test('misses nothing while the subscriptions of its gateway are cut', async () => {
    const checker = new Checker();
    const { user, audience } = clients.newUser();
    const both = await Promise.all([clients.plain(user), clients.plain(user, clients.urls[1])]);
    for (let i = 0; i < 10; i += 1) {
      await clients.publish(checker, audience, 20);
      await until(
        'subscriptions to cut',
        20_000,
        async () => Number(await control.call('CLIENT', 'KILL', 'TYPE', 'pubsub')) > 0,
      );
      await clients.publish(checker, audience, 20);
    }
    await Promise.all(both.map((client) => client.received(400)));
    const seen = both.map((client) => ({ audience, ids: idsOf(client) }));
    expect(checker.judge(seen)).toEqual(flawless(800));
  });
});

describe('what dies', () => {
  test('a gateway: its clients go on at the other', async () => {
    const checker = new Checker();
    const { user, audience } = clients.newUser();
    const doomed = await startCarillon({ ...stack.environment, ROLES: 'gateway' });
    const client = await clients.track(user, [doomed.url, ...clients.urls]);
    await clients.publish(checker, audience, 30);
    doomed.signal('SIGKILL');
    await clients.publish(checker, audience, 30);
    await client.saw(audience, 60);
    expect(checker.judge([{ audience, ids: client.seen(audience) }])).toEqual(flawless(60));
  });

  // A consumer starts in a second, or in ten where the machine is full.
  test('the consumer, between append and acknowledgement, 50 times', { timeout: 780_000 }, async () => {
    const checker = new Checker();
    const { user, audience } = clients.newUser();
    const both = [await clients.plain(user), await clients.plain(user, clients.urls[1])];
    for (let i = 0; i < 50; i += 1) {
      const publishing = clients.publish(checker, audience, 20);
      // Some appends of this round are done, and hardly all acknowledged.
      await both[0]?.received(i * 20 + 1 + (i % 10));
      stack.consumer.signal('SIGKILL');
      await stack.consumer.exited;
      await stack.restartConsumer();
      await publishing;
    }
    await Promise.all(both.map((client) => client.received(1_000)));
    const seen = both.map((client) => ({ audience, ids: idsOf(client) }));
    expect(checker.judge(seen)).toEqual(flawless(2_000));
  });
});

test('an event published ten times at once, and again after the consumer has restarted, comes once', async () => {
  const checker = new Checker();
  const { user, audience } = clients.newUser();
  const client = await clients.plain(user);
  const event = checker.next(audience);
  const producers = Array.from({ length: 10 }, () => new Producer(stack.environment.AMQP_URL ?? ''));
  await Promise.all(producers.map((one) => one.publish(event)));
  await client.received(1);
  await stack.consumer.stop();
  await stack.restartConsumer();
  await stack.producer.publish(event);
  await clients.publish(checker, audience, 1);
  await client.received(2);
  expect(checker.judge([{ audience, ids: idsOf(client) }])).toEqual(flawless(2));
  await Promise.all(producers.map((one) => one.close()));
});
