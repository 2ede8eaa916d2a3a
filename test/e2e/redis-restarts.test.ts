/** Redis restarts, with its data and without: nobody is told a tale. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { isReady, startCarillon } from '../support/carillon.ts';
import { Checker, flawless } from '../support/checker.ts';
import type { TestClient } from '../support/client.ts';
import { Producer } from '../support/producer.ts';
import { startRedis } from '../support/redis.ts';
import { freshVhost } from '../support/servers.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { StackClients } from '../support/stack-clients.ts';
import { until } from '../support/until.ts';

// Longer than its clients wait for anything.
vi.setConfig({ testTimeout: 120_000 });

let stack: Stack;
let clients: StackClients;

beforeAll(async () => {
  stack = await startStack();
  clients = new StackClients(stack);
});
afterEach(() => clients.closeAll());
afterAll(() => stack.stop());

const idsOf = (client: TestClient) => client.notifications.map(({ id }) => id);

describe('Redis restarts', () => {
  test('with persistence: nobody notices', async () => {
    const checker = new Checker();
    const { user, audience } = clients.newUser();
    const stays = await clients.plain(user);
    const [tracks, leaves] = await Promise.all([clients.track(user), clients.track(user)]);
    await clients.publish(checker, audience, 20);
    await Promise.all([stays.received(20), tracks.saw(audience, 20), leaves.saw(audience, 20)]);
    leaves.leave();
    const publishing = clients.publish(checker, audience, 500);
    await stack.redis.kill();
    await stack.redis.restart();
    await publishing;
    await Promise.all(stack.gateways.map((gateway) => until('readiness', 30_000, () => isReady(gateway))));
    leaves.connect();
    await Promise.all([stays.received(520), tracks.saw(audience, 520), leaves.saw(audience, 520)]);
    const seen = [idsOf(stays), tracks.seen(audience), leaves.seen(audience)].map((ids) => ({
      audience,
      ids,
    }));
    expect(checker.judge(seen)).toEqual(flawless(3 * 520));
    expect(stays.resyncs).toEqual([]);
  });

  test('and loses everything: who stays hears of it and gets all that comes, who was away is not told a tale', async () => {
    const own = await startRedis();
    const amqpUrl = await freshVhost();
    const one = await startCarillon({ ...stack.environment, AMQP_URL: amqpUrl, REDIS_URL: own.url });
    const ownProducer = new Producer(amqpUrl);
    const checker = new Checker();
    const { user, audience } = clients.newUser();
    const [stays, away] = await Promise.all([clients.plain(user, one.url), clients.track(user, [one.url])]);
    const send = (count: number) =>
      ownProducer.publish(...Array.from({ length: count }, () => checker.next(audience)));
    await send(20);
    await Promise.all([stays.received(20), away.saw(audience, 20)]);
    away.leave();
    await own.restart();
    await until('readiness', 30_000, () => isReady(one));
    await send(15);
    await stays.received(35);
    expect(checker.judge([{ audience, ids: idsOf(stays) }])).toEqual(flawless(35));
    expect(stays.resyncs).toMatchObject([{ audiences: { [audience]: { head: 0 } } }]);
    away.connect();
    await away.saw(audience, 35);
    expect(away.unrecovered).toBe(1);
    await send(5);
    await away.saw(audience, 40);
    expect(checker.judge([{ audience, ids: away.seen(audience) }])).toEqual(flawless(40));
    await ownProducer.close();
    expect(await one.stop()).toBe(0);
    await own.stop();
  });
});
