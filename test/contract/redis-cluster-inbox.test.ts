/** The inbox's contract, kept on a Cluster; and what only a Cluster can do wrong: serve a key from somewhere else. */
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectForCommands, type RedisConnection } from '../../src/adapters/redis/connections.ts';
import { nodeOf, RunIds } from '../../src/adapters/redis/nodes.ts';
import { type Audience, roomOf } from '../../src/contract/audience.ts';
import { channelOf } from '../../src/edge/gateway/redis-live-messages.ts';
import type { Appended, InboxLimits } from '../../src/pipeline/inbox/inbox.ts';
import { RedisInbox } from '../../src/pipeline/inbox/redis-inbox.ts';
import { InboxUnavailable } from '../../src/resilience/unavailable.ts';
import { runIdOf } from '../support/append.ts';
import { type ClusterNode, type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts';
import { until } from '../support/until.ts';
import { describeInbox, entry, LONG_LIVED, MAX_AGE_MS, toLiveMessages } from './inbox-contract.ts';

/** On all three nodes. */
const AUDIENCES = Array.from({ length: 30 }, (_, i) => `user:${i}` as const);

const log = pino({ level: 'silent' });

let cluster: RedisCluster;
let redis: RedisConnection;
let runIds: RunIds;

beforeAll(async () => {
  cluster = await startRedisCluster();
  redis = connectForCommands({ kind: 'cluster', urls: cluster.url.split(',') }, log);
  runIds = new RunIds(redis);
  const metas = AUDIENCES.map(metaOf);
  await until('all nodes', 20_000, () => metas.every((meta) => runIds.of(meta) !== undefined));
});
afterAll(async () => {
  redis.disconnect();
  await cluster.stop();
});

function openInbox(limits: InboxLimits, runIdOfKey = (key: string) => runIds.of(key)) {
  return new RedisInbox({
    redis,
    runIdOf: runIdOfKey,
    nodeOf: (key) => nodeOf(redis, key),
    channelOf,
    limits,
  });
}

function metaOf(audience: Audience): string {
  return `carillon:{${audience}}:meta`;
}

async function idOf({ control }: ClusterNode): Promise<string> {
  return String(await control.call('CLUSTER', 'MYID'));
}

/** As the append queue do it. */
async function appendUntilDone(inbox: RedisInbox, audience: Audience, id: string): Promise<Appended> {
  let appended: Appended | undefined;
  await until(`${id} to be appended`, 20_000, async () => {
    try {
      [appended] = await inbox.append(audience, [entry(id, audience)]);
    } catch (error) {
      if (!(error instanceof InboxUnavailable)) throw error;
    }
    return appended !== undefined;
  });
  if (appended === undefined) throw new Error('not appended');
  return appended;
}

describeInbox('redis cluster inbox', async (limits) => {
  await Promise.all(cluster.nodes.map(({ control }) => control.flushall().catch(() => 'a replica')));
  const { port } = await cluster.primaryOf('{user:42}');
  const subscriber = new Redis(port, '127.0.0.1');
  const published = new Map<string, Buffer[]>();
  subscriber.on('smessageBuffer', (channel: Buffer, message: Buffer) => {
    published.set(channel.toString(), [...(published.get(channel.toString()) ?? []), message]);
  });
  await subscriber.ssubscribe(channelOf(roomOf('user:42')));
  let isTrusted = true;
  return {
    inbox: openInbox(limits, (key) => (isTrusted ? runIds.of(key) : 'another')),
    published: async (audience) => {
      // Behind this answer everything that was published before it has arrived.
      await subscriber.ping();
      return toLiveMessages(published.get(channelOf(roomOf(audience))) ?? []);
    },
    loseTrust: async () => {
      isTrusted = false;
    },
    // Redis' own clock decides.
    age: () => pause(MAX_AGE_MS + 50),
    close: async () => subscriber.disconnect(),
  };
});

describe('redis cluster inbox, of its own', () => {
  test('appends of one turn go to the nodes of their audiences', async () => {
    const inbox = openInbox(LONG_LIVED);
    const appended = await Promise.all(AUDIENCES.map((each) => inbox.append(each, [entry('a', each)])));
    expect(appended.flat().map(({ offset }) => offset)).toEqual(AUDIENCES.map(() => 1));
    expect((await inbox.heads(AUDIENCES)).map(({ offset }) => offset)).toEqual(AUDIENCES.map(() => 1));
    const primaries = await Promise.all(AUDIENCES.map((each) => cluster.primaryOf(metaOf(each))));
    expect(new Set(primaries.map(({ port }) => port)).size).toBe(3);
  });

  test('appends to a slot on its way to another node wait for it, and go on there', async () => {
    const audience = 'user:travels';
    const inbox = openInbox(LONG_LIVED);
    const first = await appendUntilDone(inbox, audience, 'a');
    const from = await cluster.primaryOf(metaOf(audience));
    const primaries = await Promise.all(AUDIENCES.map((each) => cluster.primaryOf(metaOf(each))));
    const target = primaries.find((node) => node !== from) ?? from;
    const slot = Number(await from.control.cluster('KEYSLOT', metaOf(audience)));
    await target.control.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', await idOf(from));
    await from.control.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', await idOf(target));
    await expect(inbox.append(audience, [entry('b', audience)])).rejects.toThrow(InboxUnavailable);
    await cluster.moveSlotOf(metaOf(audience), target);
    const second = await appendUntilDone(inbox, audience, 'b');
    expect([first.offset, second.offset]).toEqual([1, 2]);
    expect(await appendUntilDone(inbox, audience, 'a')).toMatchObject({ offset: 1, repeat: true });
    expect(await target.control.hget(metaOf(audience), 'run')).toBe(await runIdOf(target.control));
  });

  test('a primary that has too few replicas takes nothing', async () => {
    const audience = 'user:safe';
    const inbox = openInbox(LONG_LIVED);
    const { control } = await cluster.primaryOf(metaOf(audience));
    await control.config('SET', 'min-replicas-to-write', 2);
    await expect(inbox.append(audience, [entry('a', audience)])).rejects.toThrow('NOREPLICAS');
    await control.config('SET', 'min-replicas-to-write', 0);
    expect(await appendUntilDone(inbox, audience, 'a')).toMatchObject({ offset: 1, repeat: false });
  });

  test('what is appended where the key was served before bears the run id of who serves it now', async () => {
    const audience = 'user:moved';
    const inbox = openInbox(LONG_LIVED);
    const before = await appendUntilDone(inbox, audience, 'a');
    const successor = await cluster.replicaOf(await cluster.primaryOf(metaOf(audience)));
    await cluster.promote(successor);
    const serves = async () => (await cluster.primaryOf(metaOf(audience))) === successor;
    await until('the others to know it', 20_000, serves);
    // Nobody has told this process: the node before answers MOVED.
    const after = await appendUntilDone(inbox, audience, 'b');
    expect(await successor.control.hget(metaOf(audience), 'run')).toBe(await runIdOf(successor.control));
    expect(after.epoch).not.toBe(before.epoch);
    expect(after.offset).toBe(2);
  });
});
