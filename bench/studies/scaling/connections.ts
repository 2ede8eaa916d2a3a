/** Connections to the private Redis in place of gateways and consumers. */
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { connectForSubscriptions, type RedisConnection } from '../../../src/adapters/redis/connections.ts';
import { RunIds } from '../../../src/adapters/redis/nodes.ts';
import type { Audience } from '../../../src/contract/audience.ts';
import { roomOf } from '../../../src/contract/audience.ts';
import { channelOf } from '../../../src/edge/gateway/redis-live-messages.ts';
import { createLog } from '../../../src/observe/log.ts';
import { RedisInbox } from '../../../src/pipeline/inbox/redis-inbox.ts';
import { until } from '../../../test/support/until.ts';

const DAY_MS = 86_400_000;
const log = createLog({ level: 'silent', redact: [] });

export function channelFor(audience: Audience): string {
  return channelOf(roomOf(audience));
}

export async function openSubscriber(url: string): Promise<RedisConnection> {
  const subscriber = connectForSubscriptions({ kind: 'standalone', url: url }, log);
  await once(subscriber, 'ready');
  return subscriber;
}

/** Without the service's time limit for commands, because here the load itself delays the reading of answers. */
export async function openCommands(url: string): Promise<Redis> {
  const redis = new Redis(url);
  await once(redis, 'ready');
  return redis;
}

/** An inbox whose logs keep `maxLength` entries. */
export async function openInbox(redis: RedisConnection, maxLength: number): Promise<RedisInbox> {
  const runIds = new RunIds(redis);
  await until('the run id of Redis', 5_000, () => runIds.of('') !== undefined);
  const limits = { maxLength: same(maxLength), maxAgeMs: same(30 * DAY_MS), dedupeMs: DAY_MS };
  return new RedisInbox({ redis, runIdOf: (key) => runIds.of(key), channelOf, limits });
}

export function same(value: number) {
  return { user: value, department: value, topic: value, global: value };
}
