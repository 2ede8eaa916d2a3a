/** Subscriptions on a Cluster: they follow their slots, and whoever lost some is told once all are in force again. */

import { Cluster } from 'ioredis';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ClusterSubscriber } from '../../src/adapters/redis/cluster-subscriber.ts';
import { connectForSubscriptions } from '../../src/adapters/redis/connections.ts';
import { type ClusterNode, type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts';

/** Of different slots on all three nodes. */
const CHANNELS = Array.from({ length: 30 }, (_, i) => `channel#{${i}}#`);
const CHANNEL = 'channel#{0}#';
const HOUR_MS = 3_600_000;

let cluster: RedisCluster;
let connection: Cluster;
let subscriber: ClusterSubscriber;
let events: string[];
const received = new Set<string>();

beforeAll(async () => {
  cluster = await startRedisCluster();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  await open();
});
afterEach(() => connection.disconnect());

/** `lookEveryMs`: when it looks by itself who serves what. */
async function open(lookEveryMs?: number): Promise<void> {
  const opened = connectForSubscriptions(
    { kind: 'cluster', urls: cluster.url.split(',') },
    pino({ level: 'silent' }),
  );
  if (!(opened instanceof Cluster)) throw new Error('not a Cluster connection');
  connection = opened;
  // Before it is connected, which is when it begins to look.
  if (lookEveryMs !== undefined) connection.options.slotsRefreshInterval = lookEveryMs;
  subscriber = new ClusterSubscriber(connection);
  received.clear();
  subscriber.on('smessageBuffer', (channel, message) => received.add(`${channel} ${message}`));
  const own: string[] = [];
  events = own;
  for (const event of ['close', 'ready'] as const) subscriber.on(event, () => own.push(event));
  // Before it is connected: they wait.
  await Promise.all(CHANNELS.map((channel) => subscriber.ssubscribe(channel)));
}

/** Published where each channel is served now. */
async function publish(message: string, channels = CHANNELS): Promise<void> {
  for (const channel of channels) {
    const { control } = await cluster.primaryOf(channel);
    await control.call('SPUBLISH', channel, message);
  }
}

async function expectAllToHear(message: string): Promise<void> {
  await publish(message);
  const all = CHANNELS.map((channel) => `${channel} ${message}`);
  await expect.poll(() => all.filter((each) => !received.has(each))).toEqual([]);
}

async function subscribed({ control }: ClusterNode, channel: string): Promise<boolean> {
  const reply = await control.call('PUBSUB', 'SHARDNUMSUB', channel);
  return Array.isArray(reply) && Number(reply[1]) > 0;
}

async function isSubscribedAt(node: ClusterNode, channel: string): Promise<void> {
  await expect.poll(() => subscribed(node, channel)).toBe(true);
}

async function anotherThan(node: ClusterNode): Promise<ClusterNode> {
  const primaries = await Promise.all(CHANNELS.map((channel) => cluster.primaryOf(channel)));
  const other = primaries.find((primary) => primary !== node);
  if (other === undefined) throw new Error('one node serves all');
  return other;
}

/** Perhaps more than once: while the nodes do not agree yet, a look at the slots may find the one from before again. */
async function wasLostAndFound(): Promise<void> {
  await expect.poll(() => events.join(' ')).toMatch(/^close ready( close ready)*$/);
}

test('each channel is heard from its own node', async () => {
  await expectAllToHear('hello');
  expect(events).toEqual([]);
  await subscriber.sunsubscribe(CHANNEL);
  const primary = await cluster.primaryOf(CHANNEL);
  await expect.poll(() => subscribed(primary, CHANNEL)).toBe(false);
});

test('a connection that is cut is made again, and that is reported', async () => {
  connection.disconnect();
  // It is seen at once, and not by the look at the slots that comes again and again.
  await open(HOUR_MS);
  const { control } = await cluster.primaryOf(CHANNEL);
  for (let times = 1; times <= 2; times += 1) {
    await control.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    const all = Array.from({ length: times }, () => ['close', 'ready']).flat();
    await expect.poll(() => events).toEqual(all);
  }
  await expectAllToHear('again');
});

test('a slot that goes to another node takes its subscriptions along, also on its way back', async () => {
  const home = await cluster.primaryOf(CHANNEL);
  const away = await anotherThan(home);
  await cluster.moveSlotOf(CHANNEL, away);
  await isSubscribedAt(away, CHANNEL);
  await wasLostAndFound();
  await expectAllToHear('moved');
  await cluster.moveSlotOf(CHANNEL, home);
  await isSubscribedAt(home, CHANNEL);
  await expectAllToHear('moved back');
});

test('a slot that was away for a moment is subscribed to again', async () => {
  const home = await cluster.primaryOf(CHANNEL);
  const away = await anotherThan(home);
  await cluster.moveSlotOf(CHANNEL, away);
  await cluster.moveSlotOf(CHANNEL, home);
  await isSubscribedAt(home, CHANNEL);
  await expectAllToHear('back');
});

test('a node that dies is followed by its replica', async () => {
  const primary = await cluster.primaryOf(CHANNEL);
  const replica = await cluster.replicaOf(primary);
  await primary.server.kill();
  await isSubscribedAt(replica, CHANNEL);
  await wasLostAndFound();
  await expectAllToHear('promoted');
  await primary.server.restart();
  await cluster.isWhole();
});
