/** Describes the machine that was measured on, and checks that its limits are high enough. */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Redis } from 'ioredis';
import { z } from 'zod';
import type { Management } from '../../test/support/management.ts';

/** In addition to its sockets, a process opens files, pipes and connections to Redis and RabbitMQ. */
const OTHER_FILES = 200;

const PACKAGES = ['socket.io', '@socket.io/redis-adapter', 'ws', 'ioredis', 'amqplib', 'jose'];

/** @throws {Error} when a process may not open enough files; checks on Linux only */
export function checkOpenFiles(sockets: number): void {
  const limits = linesOf('/proc/self/limits');
  const [, limit] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
  if (limit === undefined || Number(limit) >= sockets + OTHER_FILES) return;
  throw new Error(
    `A process may open ${limit} files, and ${sockets + OTHER_FILES} are needed. Run \`ulimit -n ${sockets + OTHER_FILES}\` before, or raise the limit of your system.`,
  );
}

function linesOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const versionSchema = z.object({ version: z.string() });

export async function describeMachine(
  redisUrl: string,
  management: Management,
  /** Undefined when no process is meant to be pinned. */
  isPinned: boolean | undefined,
): Promise<readonly string[]> {
  const [{ model = 'unknown' } = {}, ...others] = cpus();
  const cores = 1 + others.length;
  const packages = PACKAGES.map((name) => `${name} ${versionOf(name)}`).join(', ');
  return [
    `${model}, ${cores} ${cores === 1 ? 'core' : 'cores'}; ${placement(isPinned)}.`,
    `Node ${process.version}, Redis ${await redisVersion(redisUrl)}, RabbitMQ ${await rabbitMqVersion(management)}; ${packages}.`,
  ];
}

function placement(isPinned: boolean | undefined): string {
  if (isPinned === undefined) return 'all processes share them';
  return isPinned
    ? 'the server alone on one, load, Redis and RabbitMQ on another'
    : '**nothing is pinned to a core** (that takes two cores and taskset), so expect noise';
}

function versionOf(name: string): string {
  const path = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return versionSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).version;
}

async function redisVersion(url: string): Promise<string> {
  const redis = new Redis(url);
  const version = /^redis_version:(\S+)/m.exec(await redis.info('server'))?.[1] ?? 'unknown';
  redis.disconnect();
  return version;
}

async function rabbitMqVersion(management: Management): Promise<string> {
  return z.object({ rabbitmq_version: z.string() }).parse(await management.get('overview')).rabbitmq_version;
}
