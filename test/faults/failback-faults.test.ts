/**
 * A primary is followed by a replica that lacks its last events, comes back as its replica in the same process, and is
 * promoted again: standalone behind a moving address, and in a Cluster. What the log holds in the end everybody has.
 */
import { Redis } from 'ioredis';
import { afterEach, expect, test } from 'vitest';
import type { Audience } from '../../src/contract/audience.ts';
import { type CarillonProcess, startCarillon, tokenFor } from '../support/carillon.ts';
import { Checker } from '../support/checker.ts';
import { connectClient } from '../support/client.ts';
import { Producer } from '../support/producer.ts';
import { startRedis } from '../support/redis.ts';
import { freshVhost } from '../support/servers.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { TrackingClient } from '../support/tracking-client.ts';
import { until } from '../support/until.ts';
import { startClusterStack } from './cluster-stack.ts';
import { TRIED_ENVIRONMENT } from './fault-stack.ts';

const TIMEOUT_MS = 60_000;

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Tried {
  readonly amqpUrl: string;
  readonly gateways: readonly CarillonProcess[];
  /** Between 20 events and 20 more: of the first only half stay. */
  readonly failBack: (halfWay: () => Promise<void>) => Promise<void>;
}

/** The events that the log holds in the end are those before the replica fell behind, and those after it all. */
async function tryFailback(audience: Audience, user: string, { amqpUrl, gateways, failBack }: Tried) {
  const producer = new Producer(amqpUrl);
  closers.push(() => producer.close());
  const checker = new Checker();
  const publish = (count: number) =>
    producer.publish(...Array.from({ length: count }, () => checker.next(audience)));
  const token = await tokenFor(user);
  const urls = gateways.map(({ url }) => url);
  const plain = connectClient(urls[0] ?? '', token);
  await plain.session();
  const [stays, returns] = [new TrackingClient(urls, token), new TrackingClient(urls, token)];
  closers.push(() => [plain, stays, returns].map((client) => client.close()));
  await Promise.all([stays, returns].map((client) => client.begun(1)));
  await publish(10);
  await failBack(async () => {
    await publish(10);
    await Promise.all([plain.received(20), stays.saw(audience, 20), returns.saw(audience, 20)]);
    returns.leave();
  });
  await publish(20);
  await Promise.all([plain.received(40), stays.saw(audience, 40)]);
  returns.connect();
  await returns.saw(audience, 40);

  const ids = Array.from({ length: 40 }, (_, i) => `${audience}#${i + 1}`);
  expect(plain.notifications.map(({ id }) => id)).toEqual(ids);
  expect(stays.seen(audience)).toEqual(ids);
  expect(returns.seen(audience)).toEqual(ids);
  expect(plain.resyncs).toHaveLength(1);
  expect([stays.unrecovered, returns.unrecovered]).toEqual([1, 1]);
}

async function inStep(replica: Redis): Promise<void> {
  await until('the replica to be in step', TIMEOUT_MS, async () => {
    return (await replica.info('replication')).includes('master_link_status:up');
  });
}

test('standalone, behind an address that moves', { timeout: 240_000 }, async () => {
  const amqpUrl = await freshVhost();
  const servers = await Promise.all([startRedis(), startRedis()]);
  const [first, second] = servers;
  const [old, next] = servers.map(({ url }) => new Redis(url));
  if (old === undefined || next === undefined) throw new Error('no servers');
  closers.push(async () => {
    for (const control of [old, next]) control.disconnect();
    await Promise.all(servers.map((server) => server.stop()));
  });
  for (const control of [old, next]) await control.config('SET', 'repl-diskless-sync-delay', 0);
  await next.replicaof('127.0.0.1', first.port);
  await inStep(next);
  const address = await startTcpProxy(first.port);
  closers.push(() => address.close());
  const environment = {
    ...TRIED_ENVIRONMENT,
    AMQP_URL: amqpUrl,
    REDIS_URL: `redis://127.0.0.1:${address.port}`,
    // What is found is found because somebody noticed.
    FEED_CHECK_SECONDS: '3600',
  };
  const processes = await Promise.all(
    ['gateway', 'gateway', 'consumer'].map((ROLES) => startCarillon({ ...environment, ROLES })),
  );
  closers.push(() => Promise.all(processes.map((process) => process.stop())));
  await tryFailback('user:standalone', 'standalone', {
    amqpUrl,
    gateways: processes.slice(0, 2),
    failBack: async (halfWay) => {
      await until(
        'ten events',
        TIMEOUT_MS,
        async () => (await old.xlen('carillon:{user:standalone}:log')) === 10,
      );
      expect(await old.wait(1, TIMEOUT_MS)).toBe(1);
      await next.replicaof('NO', 'ONE');
      await halfWay();
      address.moveTo(second.port);
      // Nobody cuts the connections that are open: writes find out by themselves.
      await old.replicaof('127.0.0.1', second.port);
      await inStep(old);
      address.moveTo(first.port);
      await old.replicaof('NO', 'ONE');
      await next.replicaof('127.0.0.1', first.port);
    },
  });
});

test('Cluster', { timeout: 240_000 }, async () => {
  const stack = await startClusterStack(await freshVhost());
  closers.push(() => stack.stop());
  const log = 'carillon:{user:cluster}:log';
  await tryFailback('user:cluster', 'cluster', {
    amqpUrl: stack.amqpUrl,
    gateways: stack.gateways,
    failBack: async (halfWay) => {
      const primary = await stack.cluster.primaryOf(log);
      const replica = await stack.cluster.replicaOf(primary);
      await until('ten events', TIMEOUT_MS, async () => (await primary.control.xlen(log)) === 10);
      expect(await primary.control.wait(1, TIMEOUT_MS)).toBe(1);
      await replica.server.pause();
      // What is on its way to the frozen replica would reach it later.
      await primary.control.call('CLIENT', 'KILL', 'TYPE', 'replica');
      await halfWay();
      await primary.server.pause();
      await replica.server.resume();
      // It takes over by force: nobody waits for a vote in which the frozen one counts.
      await until('the replica to take over', TIMEOUT_MS, async () => {
        await replica.control.call('CLUSTER', 'FAILOVER', 'TAKEOVER').catch(() => {});
        return (await replica.control.info('replication')).includes('role:master');
      });
      await primary.server.resume();
      await stack.cluster.isWhole();
      await expect.poll(() => primary.control.info('replication')).toContain('role:slave');
      await inStep(primary.control);
      // By force again: asked to, it may wait for votes in vain so soon after another has taken over.
      await until('the primary to be back', TIMEOUT_MS, async () => {
        await primary.control.call('CLUSTER', 'FAILOVER', 'TAKEOVER').catch(() => {});
        return (await stack.cluster.primaryOf(log)) === primary;
      });
      await stack.cluster.isWhole();
    },
  });
});
