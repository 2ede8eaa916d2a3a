/** Export and erasure on a Cluster, where the keys of one person lie on one node, and that node may change meanwhile. */
import { Cluster } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectForCommands } from '../../src/adapters/redis/connections.ts';
import { logKeyOf } from '../../src/adapters/redis/keys.ts';
import { nodeOf, RunIds } from '../../src/adapters/redis/nodes.ts';
import { everythingOn } from '../support/person.ts';
import { keptIn } from '../support/personal-parts.ts';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts';
import { until } from '../support/until.ts';
import { describePersonalData, erasureOf, expectErased, live } from './personal-data-contract.ts';

const LOG = logKeyOf('user:ada', 'meta');

let cluster: RedisCluster;
let redis: Cluster;
let runIds: RunIds;

beforeAll(async () => {
  cluster = await startRedisCluster();
  const opened = connectForCommands(
    { kind: 'cluster', urls: cluster.url.split(',') },
    pino({ level: 'silent' }),
  );
  if (!(opened instanceof Cluster)) throw new Error('not a Cluster connection');
  redis = opened;
  runIds = new RunIds(redis);
  await until('the node of the log', 20_000, () => runIds.of(LOG) !== undefined);
});
afterAll(async () => {
  redis.disconnect();
  await cluster.stop();
});

async function inCluster() {
  const primaries = () => redis.nodes('master');
  await Promise.all(primaries().map((node) => node.flushall()));
  return keptIn(redis, { nodeOf: (key) => nodeOf(redis, key), runIdOf: (key) => runIds.of(key) }, async () =>
    (await Promise.all(primaries().map(everythingOn))).flat(),
  );
}

describePersonalData('a Redis Cluster', inCluster);

test('a slot that moves to another node during the search costs nothing but another search', async () => {
  const parts = await inCluster();
  await live('ada', parts);
  const erasure = erasureOf(parts);
  const home = await cluster.primaryOf(LOG);
  const away = await cluster.primaryOf(logKeyOf('global', 'meta'));
  expect(away.port).not.toBe(home.port);
  await until('the search', 20_000, async () => (await erasure.advance('ada', 0)).step === 'searching');
  await cluster.moveSlotOf(LOG, away);
  await until('the client to know', 20_000, async () => {
    await redis.get(LOG).catch(() => {});
    return nodeOf(redis, LOG)?.options.port === away.port && runIds.of(LOG) !== undefined;
  });
  expect(await erasure.advance('ada', 60_000)).toMatchObject({ isComplete: true });
  await expectErased(parts);
  await cluster.moveSlotOf(LOG, home);
});
