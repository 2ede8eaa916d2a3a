/**
 * The inbox on Redis as the service builds it, together with its connection, so that programs can count the traffic.
 */
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { connectForCommands } from '../../../src/adapters/redis/connections.ts';
import { RunIds } from '../../../src/adapters/redis/nodes.ts';
import type { RedisAddress } from '../../../src/config/redis-address.ts';
import type { Audience } from '../../../src/contract/audience.ts';
import { EMPTY_HEAD } from '../../../src/contract/notification.ts';
import { channelOf } from '../../../src/edge/gateway/redis-live-messages.ts';
import { createLog } from '../../../src/observe/log.ts';
import type { Inbox, InboxLimits } from '../../../src/pipeline/inbox/inbox.ts';
import { RecentEntries } from '../../../src/pipeline/inbox/recent-entries.ts';
import { RedisInbox } from '../../../src/pipeline/inbox/redis-inbox.ts';
import { RedisMarksStore } from '../../../src/pipeline/inbox/redis-marks-store.ts';
import { StoredInbox } from '../../../src/pipeline/inbox/stored-inbox.ts';
import { until } from '../../../test/support/until.ts';

const DAY_MS = 86_400_000;

export const log = createLog({ level: 'silent', redact: [] });

/** The URL of the private Redis, which the program gets as its first argument. */
const url = process.argv[2] ?? 'redis://127.0.0.1';
export const address: RedisAddress = { kind: 'standalone', url };

/** Empties Redis, and opens an inbox with the default limits except for the length of logs. */
export async function openStore(maxLength = 1_000) {
  const observer = new Redis(url);
  await observer.flushall();
  const redis = connectForCommands(address, log);
  const runIds = new RunIds(redis);
  await once(redis, 'ready');
  await until('the run id of Redis', 5_000, () => runIds.of('') !== undefined);
  const limits: InboxLimits = {
    maxLength: same(maxLength),
    maxAgeMs: same(30 * DAY_MS),
    dedupeMs: DAY_MS,
  };
  const inbox = new RedisInbox({ redis, runIdOf: (key) => runIds.of(key), channelOf, limits });
  const store = new RedisMarksStore({ redis, channelOf, keptMs: 60 * DAY_MS });
  const recent = new RecentEntries({
    inbox,
    maxLength: limits.maxLength,
    onFault: (_audience, error) => {
      throw error;
    },
  });
  // As on a gateway where users of each department are connected. Nothing is published during the measurements.
  for (const audience of SHARED) recent.hosted(audience);
  const userInbox = new StoredInbox({
    inbox,
    recent,
    store,
    kept: limits,
    maxAnswerBytes: 524_288,
    now: Date.now,
  });
  return { redis, observer, inbox, userInbox };
}

function same(value: number) {
  return { user: value, department: value, topic: value, global: value };
}

const SHARED: readonly Audience[] = ['department:sales', 'department:support', 'department:north', 'global'];

/** The audiences of a user in three departments. */
export function audiencesOf(user: string): readonly Audience[] {
  return [`user:${user}`, ...SHARED];
}

/** The heads of the logs, as a gateway's feeds know them when a session begins. */
export async function placesOf(inbox: Inbox, audiences: readonly Audience[]) {
  const heads = await inbox.heads(audiences);
  return new Map(audiences.map((audience, i) => [audience, heads[i] ?? EMPTY_HEAD]));
}
