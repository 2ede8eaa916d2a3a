/** Production's store: Redis, which all processes share. */
import { RedisClock } from '../adapters/redis/clock.ts';
import { subscriberOf } from '../adapters/redis/cluster-subscriber.ts';
import {
  connectForCommands,
  connectForSubscriptions,
  stateOf,
  suffixOf,
} from '../adapters/redis/connections.ts';
import { RedisDenials } from '../adapters/redis/denials.ts';
import { nodeOf, RunIds } from '../adapters/redis/nodes.ts';
import { Replicas } from '../adapters/redis/replicas.ts';
import type { RedisAddress } from '../config/redis-address.ts';
import type { Signals } from '../contract/signal.ts';
import { channelOf, RedisLive } from '../edge/gateway/redis-live-messages.ts';
import { RedisActivity } from '../observe/activity/redis-activity.ts';
import { whether } from '../observe/health.ts';
import { RedisOutcomes } from '../observe/outcomes/redis-outcomes.ts';
import { RedisAdminCommandLog } from '../operate/access/redis-admin-command-log.ts';
import { RedisDepartments } from '../operate/access/redis-departments.ts';
import { RedisPersonalRecords } from '../operate/personal-data/redis-personal-records.ts';
import { NodesDirectory } from '../operate/presence/nodes-directory.ts';
import { RedisPresence } from '../operate/presence/redis-presence.ts';
import { RecentEntries } from '../pipeline/inbox/recent-entries.ts';
import { RedisInbox } from '../pipeline/inbox/redis-inbox.ts';
import { RedisMarksStore } from '../pipeline/inbox/redis-marks-store.ts';
import { RedisUnreachedMemory } from '../reach/redis-unreached-memory.ts';
import { within } from '../resilience/timeout.ts';
import { faultOf, isUnavailable } from '../resilience/unavailable.ts';
import type { Context } from './context.ts';
import { openSharedCounts } from './shared-limits.ts';
import { inboxLimits, openUserInbox, type Store, unreachedKept } from './store.ts';
import { maxLifetimeMs } from './verifier.ts';

export function openRedisStore(
  { node, config, log, metrics, closers }: Context,
  address: RedisAddress,
  signals: Signals,
): Store {
  const limits = inboxLimits(config);
  const denials = new RedisDenials(log);
  const parts = partsOf(config);
  const redis = connectForCommands(address, log, denials, parts.commands);
  closers.add('the connection to Redis', () => redis.disconnect());
  const subscriptions = connectForSubscriptions(address, log, denials, parts.subscriptions);
  closers.add('the subscriptions in Redis', () => subscriptions.disconnect());
  const subscriber = subscriberOf(subscriptions);
  const clock = new RedisClock(redis);
  closers.add("Redis' clock", () => clock.close());
  const { now } = clock;
  const runIds = new RunIds(redis);
  const suffix = suffixOf(redis);
  const channelOfRoom = (room: string) => channelOf(room, suffix);
  const replicated = openReplicated({ config, log, closers }, address, denials);
  const inbox = new RedisInbox({
    redis,
    runIdOf: (key) => runIds.of(key),
    nodeOf: (key) => nodeOf(redis, key),
    channelOf: channelOfRoom,
    limits,
    ...(replicated === undefined ? {} : { appends: replicated }),
  });
  const recent = config.ROLES.includes('gateway')
    ? new RecentEntries({
        inbox,
        maxLength: limits.maxLength,
        onFault: (audience, error) =>
          log.error({ audience, ...faultOf(error) }, 'the newest of a log is not kept in memory'),
      })
    : undefined;
  // After that time, no notification is left that a user could have marked.
  const keptMs = 2 * Math.max(...Object.values(limits.maxAgeMs));
  const marks = new RedisMarksStore({ redis, channelOf: channelOfRoom, keptMs });
  const outcomes = new RedisOutcomes({
    redis,
    keptMs: config.TRAIL_SECONDS * 1000,
    onLost: (error) => {
      if (isUnavailable(error)) log.debug({ part: 'outcomes', reason: String(error) }, 'outcome lost');
      else log.error(faultOf(error), 'outcome lost');
    },
  });
  closers.add('the outcomes', () => outcomes.close());
  const activity = config.CONSOLE ? new RedisActivity({ node, now, redis, subscriber, suffix }) : undefined;
  if (activity !== undefined) closers.add('the activity', () => activity.close());
  const presence = new RedisPresence({ redis });
  const kept = unreachedKept(config);
  const unreachedMemory = kept === undefined ? undefined : new RedisUnreachedMemory({ redis, ...kept });
  return {
    inbox,
    userInbox: openUserInbox(config, signals, { inbox, recent, marks, unreachedMemory, now }),
    recent,
    marks,
    unreachedMemory,
    live: new RedisLive(redis, subscriber, log, suffix),
    outcomes,
    activity,
    presence,
    directory: new NodesDirectory(presence, inbox),
    departments: new RedisDepartments(redis),
    records: new RedisPersonalRecords({
      redis,
      nodeOf: (key) => nodeOf(redis, key),
      runIdOf: (key) => runIds.of(key),
    }),
    adminCommandLog: new RedisAdminCommandLog({ redis, subscriber, keptMs: maxLifetimeMs(config), now }),
    sharedCounts: openSharedCounts({ config, log, metrics }, redis, (user) => presence.of(user)),
    probes: {
      redis: () =>
        denials.reason === undefined
          ? whether(redis.status === 'ready', stateOf(redis))
          : whether(false, denials.reason),
      redis_subscriptions: () => whether(subscriptions.status === 'ready', stateOf(subscriptions)),
      ...(config.ROLES.includes('gateway')
        ? { log_reads: () => whether(!inbox.isReadingStalled, 'no progress') }
        : {}),
      ...(replicated === undefined
        ? {}
        : {
            redis_replicas: () =>
              whether(replicated.replicas.shortage === undefined, replicated.replicas.shortage ?? ''),
          }),
    },
    isReachable: () => redis.status === 'ready',
    now,
    knowsTime: (withinMs) => within(withinMs, clock.known, () => {}),
  };
}

/** What needs each connection: whoever reads that Redis is away sees what does not work. */
function partsOf({ ROLES, REDIS_MIN_REPLICAS, TRAIL_SECONDS, UNREACHED_AFTER, CONSOLE }: Context['config']) {
  const [isConsumer, isGateway] = [ROLES.includes('consumer'), ROLES.includes('gateway')];
  const all = ['admin commands', 'revocations', ...(CONSOLE ? ['activity'] : [])];
  return {
    commands: [
      ...(isConsumer && REDIS_MIN_REPLICAS === 0 ? ['appends'] : []),
      ...(isGateway ? ['inbox', 'marks', 'feeds'] : []),
      'presence',
      'departments',
      ...(TRAIL_SECONDS > 0 ? ['outcomes'] : []),
      ...(UNREACHED_AFTER > 0 ? ['unreached checks'] : []),
      ...all,
    ],
    subscriptions: [...(isGateway ? ['live messages'] : []), ...all],
  };
}

/** What appends, when replicas are to have what was appended; undefined when nobody asks for that. */
function openReplicated(
  { config, log, closers }: Pick<Context, 'config' | 'log' | 'closers'>,
  address: RedisAddress,
  denials: RedisDenials,
) {
  if (config.REDIS_MIN_REPLICAS === 0 || !config.ROLES.includes('consumer')) return undefined;
  const redis = connectForCommands(address, log, denials, ['appends']);
  closers.add('the connection for appends', () => redis.disconnect());
  const runIds = new RunIds(redis);
  return {
    redis,
    runIdOf: (key: string) => runIds.of(key),
    nodeOf: (key: string) => nodeOf(redis, key),
    replicas: new Replicas(config.REDIS_MIN_REPLICAS),
  };
}
