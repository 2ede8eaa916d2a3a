/** Appends that replicas must have: one that no replica has yet is not acknowledged, also when it is tried again. */
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectForCommands, type RedisConnection } from '../../../../src/adapters/redis/connections.ts';
import { RunIds } from '../../../../src/adapters/redis/nodes.ts';
import { Replicas } from '../../../../src/adapters/redis/replicas.ts';
import { channelOf } from '../../../../src/edge/gateway/redis-live-messages.ts';
import { RedisInbox } from '../../../../src/pipeline/inbox/redis-inbox.ts';
import { retried } from '../../../../src/resilience/retry.ts';
import { InboxUnavailable } from '../../../../src/resilience/unavailable.ts';
import { entry, LONG_LIVED } from '../../../contract/inbox-contract.ts';
import { follow, type RedisNode, startRedisNode, stopped } from '../../../support/redis-node.ts';
import { until } from '../../../support/until.ts';

const TIMEOUT_MS = 20_000;

let [primary, replica]: RedisNode[] = [];
const connections: RedisConnection[] = [];

beforeEach(async () => {
  [primary, replica] = await Promise.all([startRedisNode(), startRedisNode()]);
  await follow(replica, primary);
});
afterEach(async () => {
  for (const connection of connections.splice(0)) connection.disconnect();
  await Promise.all([primary, replica].map(async (node) => node && (await stopped(node))));
});

/** A consumer's inbox, on a connection that has appended nothing yet. */
async function openInbox(least: number) {
  const address = { kind: 'standalone', url: `redis://127.0.0.1:${primary?.port}` } as const;
  const redis = connectForCommands(address, pino({ level: 'silent' }));
  connections.push(redis);
  const runIds = new RunIds(redis);
  await until('the connection', TIMEOUT_MS, () => runIds.of('any') !== undefined);
  const replicas = new Replicas(least);
  const runIdOf = (key: string) => runIds.of(key);
  const inbox = new RedisInbox({ redis, runIdOf, channelOf, limits: LONG_LIVED, replicas });
  return { inbox, replicas };
}

const append = async (inbox: RedisInbox, ...ids: string[]) =>
  (
    await inbox.append(
      'user:ada',
      ids.map((id) => entry(id, 'user:ada')),
    )
  ).map(({ offset, repeat }) => ({ offset, repeat }));

/** As a consumer appends: a replica on a busy machine may answer too late. */
const acknowledged = async (inbox: RedisInbox, ...ids: string[]) =>
  (await retried(() => append(inbox, ...ids))).map(({ offset }) => offset);

test('while the replica is silent nothing is acknowledged, on whichever connection, and afterwards all of it once', async () => {
  const before = await openInbox(1);
  expect(await acknowledged(before.inbox, '1')).toEqual([1]);
  expect(before.replicas.shortage).toBeUndefined();

  await replica?.pause();
  await expect(append(before.inbox, '2')).rejects.toThrow(InboxUnavailable);
  expect(before.replicas.shortage).toBe('0 of 1 replicas have what was appended');
  // It writes nothing now: the log has it. Whoever went by its own writes alone would acknowledge it.
  const after = await openInbox(1);
  await expect(append(after.inbox, '2')).rejects.toThrow('0 of 1 replicas');

  await replica?.resume();
  await until('the replica', TIMEOUT_MS, async () => {
    const again = await append(after.inbox, '2').catch(() => undefined);
    if (again !== undefined) expect(again).toEqual([{ offset: 2, repeat: true }]);
    return again !== undefined;
  });
  expect(await acknowledged(after.inbox, '3')).toEqual([3]);
  expect(after.replicas.shortage).toBeUndefined();
});

test('appends that come while one waits are answered for by the next wait, and each by what it found', async () => {
  const { inbox } = await openInbox(1);
  const all = await Promise.all(Array.from({ length: 200 }, (_, i) => acknowledged(inbox, String(i))));
  expect(all.flat()).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  const waits = /cmdstat_wait:calls=(\d+)/.exec((await primary?.control.info('commandstats')) ?? '')?.[1];
  expect(Number(waits)).toBeGreaterThan(0);
  expect(Number(waits)).toBeLessThan(200);
});

test('more replicas than there are: nothing is acknowledged', async () => {
  const { inbox, replicas } = await openInbox(2);
  await until('the one replica to have it', TIMEOUT_MS, async () => {
    await expect(append(inbox, '1')).rejects.toThrow(InboxUnavailable);
    return replicas.shortage === '1 of 2 replicas have what was appended';
  });
});
