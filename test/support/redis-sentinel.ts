/**
 * A private Redis with a replica and three Sentinels, which put the replica in its place when it is silent for three seconds.
 * Needs an installed Redis: Sentinels in Docker announce addresses that nobody outside can reach.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startOwnProcess } from './own-process.ts';
import { freePort } from './ports.ts';
import { findRedisServer } from './programs.ts';
import { type Server, startServer } from './server.ts';
import { until } from './until.ts';

const TIMEOUT_MS = 60_000;
/** A busy machine may keep one silent for a second. */
const SILENT_MS = 3_000;
const PRIMARY = 'main';

type Settings = Readonly<Record<string, string | number>>;

export interface RedisNode extends Server {
  readonly port: number;
  /** Commands for this node and no other. */
  readonly control: Redis;
}

export interface RedisSentinels {
  /** For REDIS_URL. */
  readonly url: string;
  readonly nodes: readonly RedisNode[];
  readonly sentinels: readonly RedisNode[];
  /** The node that the Sentinels call the primary. */
  primary(): Promise<RedisNode>;
  /** Resolves when every Sentinel calls another node the primary, and that one takes writes. */
  isFollowed(by: RedisNode): Promise<void>;
  /** The one who started it MUST call this. */
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

/** A Redis of which others can be replicas. `connect`: with TLS, and how its own control connects. */
export async function startRedisNode(
  settings: Settings = {},
  connect?: (port: number) => Redis,
): Promise<RedisNode> {
  const port = await freePort();
  const listener = connect === undefined ? { port } : { port: 0, 'tls-port': port };
  const all = { save: '', appendonly: 'yes', 'repl-diskless-sync-delay': 0, 'shutdown-timeout': 0 };
  return await start(port, { ...listener, ...all, ...settings }, [], connect);
}

/** Resolves when the replica has what the primary has. */
export async function follow(replica: RedisNode, primary: RedisNode): Promise<void> {
  await replica.control.replicaof('127.0.0.1', primary.port);
  await until('the replica to be in step', TIMEOUT_MS, async () => {
    return (await replica.control.info('replication')).includes('master_link_status:up');
  });
}

export async function stopped({ control, stop }: RedisNode): Promise<void> {
  control.disconnect();
  await stop();
}

async function startSentinel(primary: RedisNode): Promise<RedisNode> {
  const port = await freePort();
  const sentinel = await start(port, { port }, ['--sentinel']);
  const set = (name: string, value: number) => sentinel.control.call('SENTINEL', 'SET', PRIMARY, name, value);
  await sentinel.control.call('SENTINEL', 'MONITOR', PRIMARY, '127.0.0.1', primary.port, 2);
  await set('down-after-milliseconds', SILENT_MS);
  await set('failover-timeout', 2 * SILENT_MS);
  return sentinel;
}

async function start(
  port: number,
  settings: Settings,
  more: readonly string[],
  connect?: (port: number) => Redis,
): Promise<RedisNode> {
  const command = findRedisServer();
  if (command === undefined)
    throw new Error('A private Redis with replicas needs redis-server to be installed.');
  const folder = await mkdtemp(join(tmpdir(), 'carillon-redis-'));
  // A Sentinel writes what it learns into its own file.
  const file = join(folder, 'redis.conf');
  await writeFile(
    file,
    Object.entries({ bind: '127.0.0.1', dir: folder, ...settings })
      .map(line)
      .join(''),
  );
  const options = { enableOfflineQueue: false, maxRetriesPerRequest: 0, retryStrategy: () => 50 } as const;
  const control = connect?.(port) ?? new Redis(port, '127.0.0.1', options);
  // While its node is away it has nobody to ask.
  control.on('error', () => {});
  const server = await startServer({
    start: () =>
      startOwnProcess({
        command,
        args: [file, ...more],
        folder,
        logFile: join(folder, 'redis.log'),
        startTimeoutMs: TIMEOUT_MS,
        isReady: async (pid) => {
          const info = await control.info('server').catch(() => '');
          return control.status === 'ready' && info.includes(`process_id:${pid}\r\n`);
        },
      }),
    async discard(running) {
      await running?.terminate();
      await rm(folder, { recursive: true, force: true });
    },
  });
  return Object.assign(server, { port, control });
}

function line([name, value]: readonly [string, string | number]): string {
  return `${name} ${value === '' ? '""' : value}\n`;
}

async function viewOf({ control }: RedisNode): Promise<ReadonlyMap<string, string>> {
  const fields = [await control.call('SENTINEL', 'MASTER', PRIMARY)].flat().map(String);
  return new Map(fields.flatMap((field, i) => (i % 2 === 0 ? [[field, fields[i + 1] ?? ''] as const] : [])));
}
