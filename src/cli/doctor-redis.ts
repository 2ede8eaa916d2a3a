/**
 * The doctor's checks of Redis: its version, whether it persists what it acknowledged, whether it evicts keys, and
 * its clock.
 */
import { once } from 'node:events';
import { Cluster, type Redis } from 'ioredis';
import { connectForCommands, type RedisConnection } from '../adapters/redis/connections.ts';
import type { BackendAddresses } from '../config/config.ts';
import { createLog } from '../observe/log.ts';
import { driverReasonOf } from './failure.ts';
import { type Finding, isAtLeast } from './finding.ts';

const CONNECT_MS = 5_000;
const [CLOCK_ADVICE_MS, CLOCK_WRONG_MS] = [500, 5_000];

/** `leastReplicas`: REDIS_MIN_REPLICAS. */
export async function* examineRedis(
  { redis: address }: BackendAddresses,
  leastReplicas: number,
): AsyncGenerator<Finding> {
  const redis = connectForCommands(address, createLog({ level: 'silent', redact: [] }));
  const reasons: string[] = [];
  redis.on('error', (error: Error) => reasons.push(error.message || error.name));
  try {
    await once(redis, 'ready', { signal: AbortSignal.timeout(CONNECT_MS) });
    yield* await examineNodes(redis, leastReplicas);
  } catch (error) {
    const own = driverReasonOf(error);
    const reason = reasons.at(-1) ?? own;
    const change = 'start it, or correct REDIS_URL and REDIS_CLUSTER';
    yield { check: 'redis', verdict: 'wrong', found: `cannot be asked: ${reason}`, change };
  } finally {
    redis.disconnect();
  }
}

async function examineNodes(redis: RedisConnection, leastReplicas: number): Promise<Finding[]> {
  const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis];
  const findings: Finding[] = [];
  for (const node of nodes) {
    const name = nodes.length > 1 ? ` ${node.options.host}:${node.options.port}` : '';
    const all = [
      ...(await looked('info', 'info', async () => {
        const info = parseInfo(await node.info());
        const cluster = await looked('cluster', 'cluster|info', async () => [
          await clusterOf(redis, node, info),
        ]);
        return [
          versionOf(info),
          persistenceOf(info),
          memoryOf(info),
          ...replicasOf(info, leastReplicas),
          ...cluster,
        ];
      })),
      ...(await looked('clock', 'time', async () => [await clockOf(node)])),
    ];
    findings.push(...all.map((finding) => ({ ...finding, check: `redis${name} ${finding.check}` })));
  }
  return findings;
}

/** Without the right to look, a check can neither pass nor fail. */
async function looked(check: string, right: string, look: () => Promise<readonly Finding[]>) {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof Error) || !/^NOPERM/.test(error.message)) throw error;
    const change = `give the user +${right} (docs/rabbitmq-and-redis.md, Permissions), or ask as another one`;
    return [{ check, verdict: 'advice', found: `it cannot be looked at: ${error.message}`, change } as const];
  }
}

/** Some hosted services hide this. */
function hidden(check: string, what: string): Finding {
  return { check, verdict: 'advice', found: `INFO does not tell ${what}`, change: 'ask whoever runs it' };
}

type Info = ReadonlyMap<string, string>;

function parseInfo(text: string): Info {
  const lines = text.split(/\r?\n/).map((line) => line.split(':'));
  return new Map(lines.map(([name = '', ...value]) => [name, value.join(':')]));
}

function versionOf(info: Info): Finding {
  // Valkey always reports 7.2.4 as redis_version, and its own version in another field.
  const valkey = info.get('valkey_version');
  const version = info.get('redis_version') ?? '0';
  const found = valkey === undefined ? version : `Valkey ${valkey}`;
  if (isAtLeast(version, [7, 0])) return { check: 'version', verdict: 'ok', found };
  return { check: 'version', verdict: 'wrong', found, change: 'upgrade to 7.0 or later, or to Valkey' };
}

function persistenceOf(info: Info): Finding {
  const check = 'persistence';
  if (info.get('loading') === '1') return { check, verdict: 'wrong', found: 'it is loading its data still' };
  if (!info.has('aof_enabled')) return hidden(check, 'aof_enabled');
  if (info.get('aof_enabled') !== '1') {
    const change =
      'set appendonly yes: without it a restart loses notifications that were acknowledged to RabbitMQ';
    return { check, verdict: 'wrong', found: 'appendonly no', change };
  }
  const last = info.get('aof_last_write_status');
  if (last !== undefined && last !== 'ok') {
    return {
      check,
      verdict: 'wrong',
      found: `the last write of the log: ${last}`,
      change: 'look at the disk',
    };
  }
  return { check, verdict: 'ok', found: 'appendonly yes' };
}

function memoryOf(info: Info): Finding {
  const check = 'memory';
  const policy = info.get('maxmemory_policy');
  if (policy === undefined) return hidden(check, 'maxmemory_policy');
  const limit =
    info.get('maxmemory') === '0' ? 'no limit' : `limit ${info.get('maxmemory_human') ?? 'unknown'}`;
  const found = `maxmemory-policy ${policy}, ${limit}, used ${info.get('used_memory_human') ?? 'unknown'}`;
  if (policy !== 'noeviction') {
    const change =
      'set maxmemory-policy noeviction: any other throws notifications away when memory is used up';
    return { check, verdict: 'wrong', found, change };
  }
  if (info.get('maxmemory') !== '0') return { check, verdict: 'ok', found };
  const change = 'set maxmemory: appends then wait in RabbitMQ, and the system does not end Redis instead';
  return { check, verdict: 'advice', found, change };
}

function replicasOf(info: Info, least: number): Finding[] {
  if (least === 0) return [];
  const check = 'replicas';
  const connected = Number(info.get('connected_slaves') ?? 0);
  const found = `${connected} connected, REDIS_MIN_REPLICAS ${least}`;
  if (connected > least) return [{ check, verdict: 'ok', found }];
  const change =
    connected < least
      ? 'add replicas, or lower REDIS_MIN_REPLICAS: no event is acknowledged while there are fewer'
      : 'add a replica: when one is away, no event is acknowledged';
  return [{ check, verdict: connected < least ? 'wrong' : 'advice', found, change }];
}

async function clusterOf(redis: RedisConnection, node: Redis, info: Info): Promise<Finding> {
  const check = 'cluster';
  const isCluster = info.get('cluster_enabled') === '1';
  if (isCluster !== redis instanceof Cluster) {
    const found = isCluster ? 'it is a Cluster, and REDIS_CLUSTER is not true' : 'it is no Cluster';
    return { check, verdict: 'wrong', found, change: `set REDIS_CLUSTER=${isCluster}` };
  }
  if (!isCluster) return { check, verdict: 'ok', found: 'none' };
  const state = parseInfo(String(await node.cluster('INFO'))).get('cluster_state') ?? 'unknown';
  if (state === 'ok') return { check, verdict: 'ok', found: 'state ok' };
  return { check, verdict: 'wrong', found: `state ${state}`, change: 'see redis-cli --cluster check' };
}

async function clockOf(node: Redis): Promise<Finding> {
  const check = 'clock';
  const beforeMs = Date.now();
  const [seconds, micros] = await node.time();
  const afterMs = Date.now();
  const redisMs = Number(seconds) * 1_000 + Number(micros) / 1_000;
  const aheadMs = Math.round(redisMs - (beforeMs + afterMs) / 2);
  const found = `${Math.abs(aheadMs)} ms ${aheadMs < 0 ? 'behind' : 'ahead of'} this machine`;
  // The comparison is only as exact as the answer was fast.
  const offMs = Math.max(0, Math.abs(aheadMs) - (afterMs - beforeMs) / 2);
  if (offMs < CLOCK_ADVICE_MS) return { check, verdict: 'ok', found };
  const verdict = offMs < CLOCK_WRONG_MS ? 'advice' : 'wrong';
  return {
    check,
    verdict,
    found,
    change: 'synchronise both (NTP): tokens, expiry and ages are judged by them',
  };
}
