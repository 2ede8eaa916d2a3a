/** Every part that keeps something of a person: in memory, in a Redis of its own, and wherever a connection leads. */
import { Redis } from 'ioredis';
import { expect, onTestFinished } from 'vitest';
import type { RedisConnection } from '../../src/adapters/redis/connections.ts';
import { channelOf } from '../../src/edge/gateway/redis-live-messages.ts';
import { MemoryOutcomes } from '../../src/observe/outcomes/memory-outcomes.ts';
import { RedisOutcomes } from '../../src/observe/outcomes/redis-outcomes.ts';
import { MemoryAdminCommandLog } from '../../src/operate/access/memory-admin-command-log.ts';
import { MemoryDepartments } from '../../src/operate/access/memory-departments.ts';
import { RedisAdminCommandLog } from '../../src/operate/access/redis-admin-command-log.ts';
import { RedisDepartments } from '../../src/operate/access/redis-departments.ts';
import { MemoryPersonalRecords } from '../../src/operate/personal-data/memory-personal-records.ts';
import {
  RedisPersonalRecords,
  type RedisPersonalRecordsOptions,
} from '../../src/operate/personal-data/redis-personal-records.ts';
import { MemoryPresence } from '../../src/operate/presence/memory-presence.ts';
import { RedisPresence } from '../../src/operate/presence/redis-presence.ts';
import { MemoryMarksStore } from '../../src/pipeline/inbox/marks-store.ts';
import { MemoryInbox } from '../../src/pipeline/inbox/memory-inbox.ts';
import { RedisInbox } from '../../src/pipeline/inbox/redis-inbox.ts';
import { RedisMarksStore } from '../../src/pipeline/inbox/redis-marks-store.ts';
import { LocalUnreachedMemory } from '../../src/reach/local-unreached-memory.ts';
import { RedisUnreachedMemory } from '../../src/reach/redis-unreached-memory.ts';
import { LONG_LIVED } from '../contract/inbox-contract.ts';
import { runIdOf } from './append.ts';
import { everythingIn, type Trace } from './person.ts';
import { freshRedis } from './servers.ts';

const KEPT = { fetchedKeptMs: 60_000, signalledKeptMs: 60_000 };
const KEPT_MS = 60_000;
const now = Date.now;

export function inMemory() {
  const inbox = new MemoryInbox({ limits: LONG_LIVED, publish: () => 0, now });
  const marks = new MemoryMarksStore(() => {});
  const departments = new MemoryDepartments();
  const unreachedMemory = new LocalUnreachedMemory(KEPT, now);
  return {
    inbox,
    marks,
    departments,
    unreachedMemory,
    presence: new MemoryPresence(),
    outcomes: new MemoryOutcomes(KEPT_MS, now),
    commandLog: new MemoryAdminCommandLog(),
    records: new MemoryPersonalRecords({ inbox, marks, departments, unreachedMemory }),
    stored: undefined,
  };
}

export async function inRedis() {
  const url = await freshRedis();
  const redis = new Redis(url);
  const runId = await runIdOf(redis);
  onTestFinished(() => redis.disconnect());
  return keptIn(redis, { nodeOf: () => redis, runIdOf: () => runId }, () => everythingIn(url));
}

/** `stored`: everything that lies there, as texts. */
export function keptIn(
  redis: RedisConnection,
  places: Pick<RedisPersonalRecordsOptions, 'nodeOf' | 'runIdOf'>,
  stored: () => Promise<readonly Trace[]>,
) {
  const outcomes = new RedisOutcomes({
    redis,
    keptMs: KEPT_MS,
    onLost: (error) => expect.unreachable(String(error)),
  });
  onTestFinished(() => outcomes.close());
  const subscriber = { on: () => {}, ssubscribe: async () => {} };
  return {
    inbox: new RedisInbox({ redis, ...places, channelOf, limits: LONG_LIVED }),
    marks: new RedisMarksStore({ redis, channelOf, keptMs: KEPT_MS }),
    departments: new RedisDepartments(redis),
    unreachedMemory: new RedisUnreachedMemory({ redis, ...KEPT }),
    presence: new RedisPresence({ redis }),
    outcomes,
    commandLog: new RedisAdminCommandLog({ redis, subscriber, keptMs: KEPT_MS, now }),
    records: new RedisPersonalRecords({ redis, ...places }),
    stored,
  };
}

export type Parts = ReturnType<typeof inMemory> | ReturnType<typeof keptIn>;
