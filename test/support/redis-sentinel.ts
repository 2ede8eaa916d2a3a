/**
 * A private Redis with a replica and three Sentinels. They promote the replica when the primary is silent for three
 * seconds. It needs an installed Redis: Sentinels in Docker announce addresses that are out of reach from outside.
 */
import { freePort } from './ports.ts';
import { follow, type RedisNode, startNode, startRedisNode, stopped } from './redis-node.ts';
import { until, untilDone } from './until.ts';

const TIMEOUT_MS = 60_000;
/** Long enough for a busy machine, where a process may be silent for a second. */
const SILENT_MS = 3_000;
const PRIMARY = 'main';

export interface RedisSentinels {
  /** The value for REDIS_URL. */
  readonly url: string;
  readonly nodes: readonly RedisNode[];
  readonly sentinels: readonly RedisNode[];
  /** The node that the Sentinels call the primary. */
  primary(): Promise<RedisNode>;
  /** Makes the Sentinels promote the replica. */
  promote(replica: RedisNode): Promise<void>;
  /** Resolves when every Sentinel calls this node the primary, and the node takes writes. */
  isFollowed(by: RedisNode): Promise<void>;
  /** The caller that started it MUST call this. */
  stop(): Promise<void>;
}

export async function startRedisSentinels(): Promise<RedisSentinels> {
  const [first, second] = await Promise.all([startRedisNode(), startRedisNode()]);
  await follow(second, first);
  const sentinels = await Promise.all(Array.from({ length: 3 }, () => startSentinel(first)));
  await until('the Sentinels to know each other and the replica', TIMEOUT_MS, async () => {
    const views = await Promise.all(sentinels.map(viewOf));
    return views.every((view) => view.get('num-other-sentinels') === '2' && view.get('num-slaves') === '1');
  });
  const nodes = [first, second];
  const primaryPort = async () => (await viewOf(sentinels[0] ?? first)).get('port');
  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join()}/${PRIMARY}`,
    nodes,
    sentinels,
    async primary() {
      const port = await primaryPort();
      return nodes.find((node) => String(node.port) === port) ?? first;
    },
    async promote({ control }) {
      await untilDone(
        'the replica to be the primary',
        TIMEOUT_MS,
        {
          ask: async () => await sentinels[0]?.control.call('SENTINEL', 'FAILOVER', PRIMARY),
          everyMs: 3 * SILENT_MS,
        },
        async () => (await control.info('replication').catch(() => '')).includes('role:master'),
      );
    },
    async isFollowed(by) {
      await until('the replica to be the primary', TIMEOUT_MS, async () => {
        const views = await Promise.all(sentinels.map(viewOf));
        const info = await by.control.info('replication').catch(() => '');
        return views.every((view) => view.get('port') === String(by.port)) && info.includes('role:master');
      });
    },
    async stop() {
      await Promise.all([...sentinels, ...nodes].map(stopped));
    },
  };
}

async function startSentinel(primary: RedisNode): Promise<RedisNode> {
  const port = await freePort();
  const sentinel = await startNode(port, { port }, ['--sentinel']);
  const set = (name: string, value: number) => sentinel.control.call('SENTINEL', 'SET', PRIMARY, name, value);
  await sentinel.control.call('SENTINEL', 'MONITOR', PRIMARY, '127.0.0.1', primary.port, 2);
  await set('down-after-milliseconds', SILENT_MS);
  await set('failover-timeout', 2 * SILENT_MS);
  return sentinel;
}

async function viewOf({ control }: RedisNode): Promise<ReadonlyMap<string, string>> {
  const fields = [await control.call('SENTINEL', 'MASTER', PRIMARY)].flat().map(String);
  return new Map(fields.flatMap((field, i) => (i % 2 === 0 ? [[field, fields[i + 1] ?? ''] as const] : [])));
}
