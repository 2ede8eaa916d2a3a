/** The doctor's checks of what one Redis says of itself in INFO. */
import { type Finding, isAtLeast } from './finding.ts';

export type Info = ReadonlyMap<string, string>;

export function parseInfo(text: string): Info {
  const lines = text.split(/\r?\n/).map((line) => line.split(':'));
  return new Map(lines.map(([name = '', ...value]) => [name, value.join(':')]));
}

/** `leastReplicas`: REDIS_MIN_REPLICAS. */
export function infoFindings(info: Info, leastReplicas: number): readonly Finding[] {
  return [
    versionOf(info),
    roleOf(info),
    persistenceOf(info),
    memoryOf(info),
    ...(leastReplicas > 0 ? [replicasOf(info, leastReplicas)] : []),
  ];
}

/** Some hosted services hide this. */
function hidden(check: string, what: string): Finding {
  return { check, verdict: 'unknown', found: `INFO does not have ${what}`, change: 'ask whoever runs it' };
}

function versionOf(info: Info): Finding {
  const check = 'version';
  // Valkey always reports 7.2.4 as redis_version, and its own version in another field.
  const valkey = info.get('valkey_version');
  const version = info.get('redis_version');
  if (version === undefined) return hidden(check, 'redis_version');
  const found = valkey === undefined ? version : `Valkey ${valkey}`;
  if (isAtLeast(version, [7, 0])) return { check, verdict: 'ok', found };
  const change = 'upgrade to Redis 7.0 or later, or to Valkey: sharded Pub/Sub begins there';
  return { check, verdict: 'wrong', found, change };
}

function roleOf(info: Info): Finding {
  const check = 'role';
  const role = info.get('role');
  if (role === undefined) return hidden(check, 'role');
  if (role === 'master') return { check, verdict: 'ok', found: 'primary' };
  const found = `it is a replica of ${info.get('master_host')}:${info.get('master_port')}, which takes no writes`;
  const change =
    'name the primary in REDIS_URL; or its Sentinels, redis+sentinel://, when the roles change by themselves';
  return { check, verdict: 'wrong', found, change };
}

function persistenceOf(info: Info): Finding {
  const check = 'persistence';
  if (info.get('loading') === '1') {
    const change = 'wait until it has loaded: the service does so too';
    return { check, verdict: 'wrong', found: 'it is still loading its data', change };
  }
  if (!info.has('aof_enabled')) return hidden(check, 'aof_enabled');
  if (info.get('aof_enabled') !== '1') {
    const change =
      'redis-cli CONFIG SET appendonly yes, and the same in redis.conf: without it a restart loses notifications that were acknowledged to RabbitMQ';
    return { check, verdict: 'wrong', found: 'appendonly no', change };
  }
  const last = info.get('aof_last_write_status');
  if (last !== undefined && last !== 'ok') {
    const change = "look at the disk, and at Redis' log: it takes no writes before one has succeeded";
    return { check, verdict: 'wrong', found: `the last write of the log: ${last}`, change };
  }
  const snapshot = info.get('rdb_last_bgsave_status');
  if (snapshot !== undefined && snapshot !== 'ok') {
    const found = `appendonly yes, and the last snapshot: ${snapshot}`;
    const change =
      "look at the disk and the memory, and at Redis' log: with stop-writes-on-bgsave-error it takes no writes";
    return { check, verdict: 'advice', found, change };
  }
  return { check, verdict: 'ok', found: 'appendonly yes' };
}

function memoryOf(info: Info): Finding {
  const check = 'memory';
  const policy = info.get('maxmemory_policy');
  const limit = info.get('maxmemory');
  if (policy === undefined || limit === undefined) return hidden(check, 'maxmemory_policy and maxmemory');
  const most = limit === '0' ? 'no limit' : `limit ${info.get('maxmemory_human') ?? limit}`;
  const found = `maxmemory-policy ${policy}, ${most}, used ${info.get('used_memory_human') ?? 'unknown'}`;
  if (policy !== 'noeviction') {
    const change =
      'redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf: any other throws notifications away when memory is used up';
    return { check, verdict: 'wrong', found, change };
  }
  if (limit !== '0') return { check, verdict: 'ok', found };
  const change = 'set maxmemory: appends then wait in RabbitMQ, and the system does not end Redis instead';
  return { check, verdict: 'advice', found, change };
}

function replicasOf(info: Info, least: number): Finding {
  const check = 'replicas';
  const count = info.get('connected_slaves');
  if (count === undefined) return hidden(check, 'connected_slaves');
  const connected = Number(count);
  const found = `${connected} connected, REDIS_MIN_REPLICAS ${least}`;
  if (connected > least) return { check, verdict: 'ok', found };
  const change =
    connected < least
      ? 'add replicas, or lower REDIS_MIN_REPLICAS: no event is acknowledged while there are fewer'
      : 'add a replica: when one is away, no event is acknowledged';
  return { check, verdict: connected < least ? 'wrong' : 'advice', found, change };
}
