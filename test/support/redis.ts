/** A private Redis with a port and a folder of its own. It shares nothing with any other Redis on the machine. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { dockerHome } from './docker.ts';
import { startOwnProcess } from './own-process.ts';
import { freePort } from './ports.ts';
import { findRedisServer } from './programs.ts';
import { type Server, type ServerHome, startServer } from './server.ts';

const startTimeoutMs = 60_000;

/** Number of databases (`SELECT n`) of every private Redis. */
export const redisDatabases = 1_000;

export interface RedisOptions {
  /** Redis puts every write on disk before it answers, so that writes survive `restart()` and `kill()`. */
  readonly persistent?: boolean;
}

export interface RedisServer extends Server {
  readonly url: string;
  readonly port: number;
  /** Where the data and the log are; `undefined` when it runs in Docker. */
  readonly folder: string | undefined;
}

function settings(options: RedisOptions): string[] {
  const persistence = options.persistent ? ['--appendonly', 'yes', '--appendfsync', 'always'] : [];
  return ['--save', '', '--databases', String(redisDatabases), ...persistence];
}

/** Whether the Redis at this port answers, and is the process that was started here. */
async function answers(port: number, pid: number | undefined): Promise<boolean> {
  const client = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.ping();
    return pid === undefined || (await client.info('server')).includes(`process_id:${pid}\r\n`);
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}

function localHome(command: string, folder: string, port: number, options: RedisOptions): ServerHome {
  const listener = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder];
  return {
    start: () =>
      startOwnProcess({
        command,
        args: [...listener, ...settings(options)],
        folder,
        logFile: join(folder, 'redis.log'),
        startTimeoutMs,
        isReady: (pid) => answers(port, pid),
      }),
    async discard(running) {
      await running?.terminate();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const port = await freePort();
  const command = findRedisServer();
  const folder = command && (await mkdtemp(join(tmpdir(), 'carillon-redis-')));
  const home =
    command && folder
      ? localHome(command, folder, port, options)
      : dockerHome({
          service: 'redis',
          ports: { [port]: 6379 },
          command: ['redis-server', ...settings(options)],
          isReady: () => answers(port, undefined),
        });
  const server = await startServer(home);
  return Object.assign(server, { url: `redis://127.0.0.1:${port}`, port, folder });
}
