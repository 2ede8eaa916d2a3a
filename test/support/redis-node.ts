/** A private Redis that is one of several: a primary, a replica, a node of a Cluster, or a Sentinel. */
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

type Settings = Readonly<Record<string, string | number>>;

export interface RedisNode extends Server {
  readonly port: number;
  /** Sends commands to this node and no other. */
  readonly control: Redis;
}

/**
 * Starts a Redis that others can replicate. With `connect`, it takes connections only with TLS, and `connect` opens its
 * own control connection.
 */
export async function startRedisNode(
  settings: Settings = {},
  connect?: (port: number) => Redis,
): Promise<RedisNode> {
  const port = await freePort();
  const listener = connect === undefined ? { port } : { port: 0, 'tls-port': port };
  const all = { save: '', appendonly: 'yes', 'repl-diskless-sync-delay': 0, 'shutdown-timeout': 0 };
  return await startNode(port, { ...listener, ...all, ...settings }, [], connect);
}

/** Resolves when the replica has everything that the primary has. */
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

/** `more`: arguments after the name of the configuration file. */
export async function startNode(
  port: number,
  settings: Settings,
  more: readonly string[] = [],
  connect?: (port: number) => Redis,
): Promise<RedisNode> {
  const command = findRedisServer();
  if (command === undefined)
    throw new Error('A private Redis with replicas needs redis-server to be installed.');
  const folder = await mkdtemp(join(tmpdir(), 'carillon-redis-'));
  // A Sentinel writes what it learns into its own configuration file.
  const file = join(folder, 'redis.conf');
  await writeFile(
    file,
    Object.entries({ bind: '127.0.0.1', dir: folder, ...settings })
      .map(line)
      .join(''),
  );
  const options = { enableOfflineQueue: false, maxRetriesPerRequest: 0, retryStrategy: () => 50 } as const;
  const control = connect?.(port) ?? new Redis(port, '127.0.0.1', options);
  // Commands fail while the node is away. Nobody needs to hear of it.
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
