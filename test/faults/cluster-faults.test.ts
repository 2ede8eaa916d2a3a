/** A Redis Cluster loses nodes, changes roles and moves slots: what its primaries' replicas have reaches everybody. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Audience, roomOf } from '../../src/contract/audience.ts';
import { channelOf } from '../../src/edge/gateway/redis-live-messages.ts';
import { appendAt } from '../support/append.ts';
import { tokenFor } from '../support/carillon.ts';
import { Checker, flawless } from '../support/checker.ts';
import { connectClient } from '../support/client.ts';
import { Producer } from '../support/producer.ts';
import type { ClusterNode } from '../support/redis-cluster.ts';
import { freshVhost } from '../support/servers.ts';
import { TrackingClient } from '../support/tracking-client.ts';
import { until } from '../support/until.ts';
import { type ClusterStack, freezeInStep, killInStep, startClusterStack } from './cluster-stack.ts';
import { expectWhole, type Report, Trial } from './trial.ts';

const PROMOTION_TIMEOUT_MS = 60_000;

let stack: ClusterStack;
let producer: Producer;

beforeAll(async () => {
  stack = await startClusterStack(await freshVhost());
  producer = new Producer(stack.amqpUrl);
});
afterAll(async () => {
  await producer.close();
  await stack.stop();
});

const logOf = (audience: Audience) => `carillon:{${audience}}:log`;
const primaryOf = (audience: Audience) => stack.cluster.primaryOf(logOf(audience));

function audienceOf({ audiences: [first] }: Trial): Audience {
  if (first === undefined) throw new Error('no audience');
  return first;
}

async function serves(node: ClusterNode, audience: Audience): Promise<void> {
  await until('the replica to take over', PROMOTION_TIMEOUT_MS, async () => {
    return (await primaryOf(audience)) === node;
  });
}

/** Both gateways are subscribed to the audience's room where it is served. */
async function isHeard(audience: Audience): Promise<void> {
  const { control } = await primaryOf(audience);
  const channel = channelOf(roomOf(audience));
  await expect.poll(() => control.call('PUBSUB', 'SHARDNUMSUB', channel)).toEqual([channel, 2]);
}

/** From now on the audience's primary is ahead of its replica, which is frozen. */
async function cutReplicaOf(audience: Audience) {
  const primary = await primaryOf(audience);
  const replica = await stack.cluster.replicaOf(primary);
  expect(await primary.control.wait(1, 20_000)).toBe(1);
  await replica.server.pause();
  // What is on its way to the frozen replica would reach it later.
  await primary.control.call('CLIENT', 'KILL', 'TYPE', 'replica');
  return { primary, replica };
}

const run = (what: string, fault: (trial: Trial) => Promise<void>): Promise<Report> =>
  Trial.run(what, stack, fault);

test('every kind of audience, on every node', async () => {
  const checker = new Checker();
  const everybody: readonly Audience[] = ['global', 'topic:ada', 'topic:bob', 'topic:news'];
  const devices = await Promise.all(
    ['a', 'b', 'd', 'eve'].map(async (user) => {
      const token = await tokenFor(user, { departments: [user], topics: ['*'] });
      const client = connectClient(stack.gateways[user === 'a' ? 0 : 1]?.url ?? '', token);
      await client.session();
      for (const topic of ['ada', 'bob', 'news']) await client.ask('subscribe', { topic });
      return { client, audiences: [`user:${user}`, `department:${user}`, ...everybody] as const };
    }),
  );
  const audiences = [...new Set(devices.flatMap((device) => device.audiences))];
  const nodes = await Promise.all(audiences.map((audience) => primaryOf(audience)));
  expect(new Set(nodes).size).toBe(3);
  for (let i = 0; i < 20; i += 1) {
    await producer.publish(...audiences.map((audience) => checker.next(audience)));
  }
  const seen = () =>
    devices.flatMap((device) =>
      device.audiences.map((audience) => ({
        audience,
        ids: device.client.notifications.filter((one) => one.audience === audience).map(({ id }) => id),
      })),
    );
  await expect.poll(() => checker.judge(seen()).lost, { timeout: 20_000 }).toEqual([]);
  expect(checker.judge(seen())).toEqual(flawless(4 * 6 * 20));
  for (const { client } of devices) client.close();
});

test('nothing breaks', { timeout: 120_000 }, async () => {
  expectWhole(await run('Cluster, nothing breaks', (trial) => trial.flows(50)));
});

test('a primary is killed when its replica has all of it', { timeout: 180_000 }, async () => {
  let dead: ClusterNode | undefined;
  const report = await run('Cluster, primary killed after WAIT', async (trial) => {
    const audience = audienceOf(trial);
    const primary = await primaryOf(audience);
    dead = primary;
    const replica = await stack.cluster.replicaOf(primary);
    const publishing = trial.publish(300);
    await trial.flows(20);
    await killInStep(primary);
    await serves(replica, audience);
    await publishing;
    await trial.flows(100);
    await isHeard(audience);
  });
  expectWhole(report);
  await dead?.server.restart();
  await stack.cluster.isWhole();
});

test('a primary falls silent, is followed, and speaks again', { timeout: 180_000 }, async () => {
  const report = await run('Cluster, primary frozen and back', async (trial) => {
    const audience = audienceOf(trial);
    const primary = await primaryOf(audience);
    const replica = await stack.cluster.replicaOf(primary);
    await freezeInStep(primary);
    // Who serves what cannot be asked of a frozen node, and a replica does not tell what it has.
    await until('the promotion', PROMOTION_TIMEOUT_MS, async () => {
      return (await replica.control.info('replication')).includes('role:master');
    });
    // A consumer that had not left it yet would be answered as soon as it goes on, and what it answers then is lost.
    await until('appends at the next primary', PROMOTION_TIMEOUT_MS, async () => {
      return (await replica.control.xlen(logOf(audience))) > 50;
    });
    await trial.flows(50);
    await primary.server.resume();
    await stack.cluster.isWhole();
    await trial.flows(50);
    await isHeard(audience);
  });
  expectWhole(report);
});

test('primaries and replicas change places on command, while events flow', { timeout: 180_000 }, async () => {
  const report = await run('Cluster, every primary replaced on command', async (trial) => {
    const primaries = await Promise.all((['global', 'user:a', 'user:b'] as const).map(primaryOf));
    expect(new Set(primaries).size).toBe(3);
    for (const primary of primaries) {
      const replica = await stack.cluster.replicaOf(primary);
      await stack.cluster.promote(replica);
      await trial.flows(50);
    }
    for (const audience of trial.audiences) await isHeard(audience);
  });
  expectWhole(report);
});

test('slots with all their keys go from node to node', { timeout: 180_000 }, async () => {
  const report = await run('Cluster, slots migrated', async (trial) => {
    const everybody = await primaryOf('global');
    for (const audience of trial.audiences) {
      const home = await primaryOf(audience);
      const away = home === everybody ? await primaryOf('user:a') : everybody;
      for (const node of [away, home, away]) {
        await stack.cluster.moveSlotOf(logOf(audience), node);
        await trial.flows(30);
      }
      await isHeard(audience);
    }
  });
  expectWhole(report);
});

test('a primary published what its replica has not, and nobody learned that it did: it comes once', {
  timeout: 180_000,
}, async () => {
  const audience: Audience = 'user:twice';
  const token = await tokenFor('twice');
  const checker = new Checker();
  const events = Array.from({ length: 40 }, () => checker.next(audience));
  const urls = stack.gateways.map(({ url }) => url);
  const plain = urls.map((url) => connectClient(url, token));
  await Promise.all(plain.map((client) => client.session()));
  const stays = new TrackingClient(urls, token);
  await stays.begun(1);
  await producer.publish(...events.slice(0, 20));
  await Promise.all(plain.map((client) => client.received(20)));

  const { primary, replica } = await cutReplicaOf(audience);
  // As a consumer whose primary dies before the answer: it tries again, with the next primary.
  await appendAt(primary.control, channelOf, audience, `${audience}#21`);
  await Promise.all(plain.map((client) => client.received(21)));
  await primary.server.kill();
  await replica.server.resume();
  await serves(replica, audience);
  await producer.publish(...events.slice(20));
  await Promise.all([...plain.map((client) => client.received(40)), stays.saw(audience, 40)]);

  const seen = [...plain.map(({ notifications }) => notifications.map(({ id }) => id)), stays.seen(audience)];
  expect(checker.judge(seen.map((ids) => ({ audience, ids })))).toEqual(flawless(3 * 40));
  expect(plain.map(({ resyncs }) => resyncs)).toEqual([[], []]);
  for (const client of [...plain, stays]) client.close();
  await primary.server.restart();
  await stack.cluster.isWhole();
});

test('a primary dies with what its replica has not: that is lost and reported, and nothing else', {
  timeout: 180_000,
}, async () => {
  const audience: Audience = 'user:unlucky';
  const token = await tokenFor('unlucky');
  const [first = '', second = ''] = stack.gateways.map(({ url }) => url);
  const checker = new Checker();
  const publish = (count: number) =>
    producer.publish(...Array.from({ length: count }, () => checker.next(audience)));
  const plain = connectClient(first, token);
  await plain.session();
  const track = () => new TrackingClient([second], token);
  const [stays, leaves, returns] = [track(), track(), track()];
  await Promise.all([stays, leaves, returns].map((client) => client.begun(1)));
  await publish(20);
  await Promise.all([plain.received(20), stays.saw(audience, 20), leaves.saw(audience, 20)]);
  leaves.leave();

  const { primary, replica } = await cutReplicaOf(audience);
  await publish(20);
  await Promise.all([plain.received(40), stays.saw(audience, 40), returns.saw(audience, 40)]);
  returns.leave();
  await primary.server.kill();
  const killedMs = performance.now();
  await replica.server.resume();
  await serves(replica, audience);
  await publish(20);
  await Promise.all([plain.received(60), stays.saw(audience, 60)]);
  const recoveryMs = performance.now() - killedMs;
  leaves.connect();
  returns.connect();
  await Promise.all([leaves.saw(audience, 40), returns.saw(audience, 60)]);

  const ids = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => `${audience}#${from + i}`);
  expect(plain.notifications.map(({ id }) => id)).toEqual(ids(1, 60));
  expect(stays.seen(audience)).toEqual(ids(1, 60));
  expect(leaves.seen(audience)).toEqual([...ids(1, 20), ...ids(41, 60)]);
  expect(returns.seen(audience)).toEqual(ids(1, 60));
  expect(plain.resyncs).toHaveLength(1);
  // By `resync`, and by `recovered: false`; the one whose cursor is in the log has nothing to be told.
  expect([stays, returns, leaves].map(({ unrecovered }) => unrecovered)).toEqual([1, 1, 0]);
  const verdict = checker.judge([{ audience, ids: leaves.seen(audience) }]);
  console.log(
    `Cluster, primary killed 20 events ahead of its replica: published 60, lost ${verdict.lost.length} ` +
      `for who was away and 0 for who was there, ${(recoveryMs / 1_000).toFixed(1)} s from kill to all`,
  );
  for (const client of [plain, stays, leaves, returns]) client.close();
  await primary.server.restart();
  await stack.cluster.isWhole();
});
