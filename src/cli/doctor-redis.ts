/** The doctor's checks of Redis: whether it lets us in, what each node says of itself, the Cluster, the rights and the clock. */
import { once } from 'node:events';
import { Cluster, type Redis } from 'ioredis';
import { connectForCommands, type RedisConnection } from '../adapters/redis/connections.ts';
import type { BackendAddresses } from '../config/config.ts';
import { isRedisTls, type RedisAddress } from '../config/redis-address.ts';
import { createLog } from '../observe/log.ts';
import { tlsChangeFor } from './doctor-certificates.ts';
import { type Info, infoFindings, parseInfo } from './doctor-redis-info.ts';
import { rightsOf } from './doctor-redis-rights.ts';
import { examineSentinels } from './doctor-sentinels.ts';
import { driverReasonOf } from './failure.ts';
import type { Finding } from './finding.ts';

const CONNECT_MS = 5_000;
const [CLOCK_ADVICE_MS, CLOCK_WRONG_MS] = [500, 5_000];
const SLOTS = 16_384;

/** `leastReplicas`: REDIS_MIN_REPLICAS. */
export async function* examineRedis(
  { redis: address }: BackendAddresses,
  leastReplicas: number,
): AsyncGenerator<Finding> {
  if (address.kind === 'sentinel') yield* await examineSentinels(address);
  const opened = open(address);
  try {
    await opened.ready();
    yield* await examineNodes(opened.redis, leastReplicas);
  } catch (error) {
    const lost = address.kind === 'cluster' ? await clusterThatIsNone(address) : [];
    if (lost.length > 0) yield* lost;
    else yield unreachable(opened.reasonOf(error), isTls(address));
  } finally {
    opened.redis.disconnect();
  }
}

function open(address: RedisAddress) {
  const redis = connectForCommands(address, createLog({ level: 'silent', redact: [] }));
  const reasons: string[] = [];
  redis.on('error', (error: Error) => reasons.push(error.message || error.name));
  return {
    redis,
    ready: () => once(redis, 'ready', { signal: AbortSignal.timeout(CONNECT_MS) }),
    /** @throws the error itself when it is a fault in the code */
    reasonOf(error: unknown): string {
      const own = driverReasonOf(error);
      const isLate = error instanceof Error && error.name === 'AbortError';
      return reasons.at(-1) ?? (isLate ? `no answer within ${CONNECT_MS} ms` : own);
    },
  };
}

function unreachable(reason: string, isEncrypted: boolean): Finding {
  const found = `cannot be asked: ${reason}`;
  return { check: 'redis', verdict: 'wrong', found, change: changeFor(reason, isEncrypted) };
}

function changeFor(reason: string, isEncrypted: boolean): string {
  if (/^(WRONGPASS|NOAUTH|ERR AUTH)/.test(reason))
    return 'correct user name and password in REDIS_URL; redis-cli ACL LIST has those that there are';
  if (/cannot select database/.test(reason))
    return 'name a database that there is behind the host in REDIS_URL, and give the user +select (docs/rabbitmq-and-redis.md, In Redis)';
  if (/^All sentinels are unreachable/.test(reason)) return 'see redis sentinels';
  if (isEncrypted && /^no answer/.test(reason))
    return 'write redis:// if this port speaks no TLS, which then says nothing; or start it, or open the way there';
  return (
    tlsChangeFor(reason, 'REDIS') ?? 'start it, or correct REDIS_URL and REDIS_CLUSTER, or open the way there'
  );
}

function isTls(address: RedisAddress): boolean {
  if (address.kind === 'sentinel') return address.isTls;
  return isRedisTls(address.kind === 'cluster' ? (address.urls[0] ?? '') : address.url);
}

/** A Cluster in which slots are not served lets nobody in, but each node says why. Empty when none answers. */
async function clusterThatIsNone(
  address: Extract<RedisAddress, { readonly kind: 'cluster' }>,
): Promise<readonly Finding[]> {
  for (const url of address.urls) {
    const opened = open({ ...address, kind: 'standalone', url });
    try {
      await opened.ready();
      const { redis } = opened;
      if (redis instanceof Cluster) return [];
      const found = await looked('cluster', 'cluster|info', async () => [
        await clusterOf(true, redis, parseInfo(await redis.info())),
      ]);
      return found
        .filter(({ verdict }) => verdict !== 'ok')
        .map((finding) => ({ ...finding, check: `redis ${finding.check}` }));
    } catch (error) {
      driverReasonOf(error);
    } finally {
      opened.redis.disconnect();
    }
  }
  return [];
}

async function examineNodes(redis: RedisConnection, leastReplicas: number): Promise<Finding[]> {
  const isCluster = redis instanceof Cluster;
  const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis];
  const findings: Finding[] = [];
  for (const node of nodes) {
    const name = nodes.length > 1 ? ` ${node.options.host}:${node.options.port}` : '';
    const use = { database: node.options.db ?? 0, isCluster, leastReplicas };
    const all = [
      ...(await looked('info', 'info', async () => {
        const info = parseInfo(await node.info());
        const cluster = await looked('cluster', 'cluster|info', async () => [
          await clusterOf(isCluster, node, info),
        ]);
        return [...infoFindings(info, leastReplicas), ...cluster];
      })),
      await rightsOf(node, use),
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
    return [
      { check, verdict: 'unknown', found: `it cannot be looked at: ${error.message}`, change } as const,
    ];
  }
}

/** `isExpected`: whether REDIS_URL and REDIS_CLUSTER say that it is one. */
async function clusterOf(isExpected: boolean, node: Redis, info: Info): Promise<Finding> {
  const check = 'cluster';
  const isCluster = info.get('cluster_enabled') === '1';
  if (isCluster !== isExpected) {
    const found = isCluster ? 'it is a Cluster, and REDIS_CLUSTER is not true' : 'it is no Cluster';
    const change = isCluster
      ? 'set REDIS_CLUSTER=true'
      : 'set REDIS_CLUSTER=false, and one address in REDIS_URL';
    return { check, verdict: 'wrong', found, change };
  }
  if (!isCluster) return { check, verdict: 'ok', found: 'none' };
  const cluster = parseInfo(String(await node.cluster('INFO')));
  const [state, assigned, failed] = ['cluster_state', 'cluster_slots_assigned', 'cluster_slots_fail'].map(
    (name) => cluster.get(name),
  );
  const found = `state ${state}, ${assigned} of ${SLOTS} slots assigned, ${failed} failed`;
  if (state === 'ok' && assigned === String(SLOTS) && failed === '0') return { check, verdict: 'ok', found };
  const change =
    'redis-cli --cluster check <host>:<port>, then --cluster fix: events of audiences in slots that nobody serves wait';
  return { check, verdict: 'wrong', found, change };
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
