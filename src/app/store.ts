/** The store: Redis, or this process's memory in embedded mode. */
import { RedisClock } from '../adapters/redis/clock.ts';
import { subscriberOf } from '../adapters/redis/cluster-subscriber.ts';
import {
  connectForCommands,
  connectForSubscriptions,
  nodeOf,
  RunIds,
  stateOf,
  suffixOf,
} from '../adapters/redis/connections.ts';
import { RedisDenials } from '../adapters/redis/denials.ts';
import type { Audience } from '../contract/audience.ts';
import type { Cursor } from '../contract/notification.ts';
import type { Directory } from '../contract/presence.ts';
import type { Signals } from '../contract/signal.ts';
import type { Live } from '../edge/gateway/live-messages.ts';
import { MemoryLive } from '../edge/gateway/memory-live-messages.ts';
import { channelOf, RedisLive } from '../edge/gateway/redis-live-messages.ts';
import type { Activity } from '../observe/activity/activity.ts';
import { MemoryActivity } from '../observe/activity/memory-activity.ts';
import { RedisActivity } from '../observe/activity/redis-activity.ts';
import { type Probe, whether } from '../observe/health.ts';
import { MemoryOutcomes } from '../observe/outcomes/memory-outcomes.ts';
import type { Outcomes } from '../observe/outcomes/outcomes.ts';
import { RedisOutcomes } from '../observe/outcomes/redis-outcomes.ts';
import type { AdminCommandLog } from '../operate/access/admin-command-log.ts';
import type { Departments } from '../operate/access/departments.ts';
import { MemoryAdminCommandLog } from '../operate/access/memory-admin-command-log.ts';
import { MemoryDepartments } from '../operate/access/memory-departments.ts';
import { RedisAdminCommandLog } from '../operate/access/redis-admin-command-log.ts';
import { RedisDepartments } from '../operate/access/redis-departments.ts';
import { MemoryPresence } from '../operate/presence/memory-presence.ts';
import { NodesDirectory } from '../operate/presence/nodes-directory.ts';
import type { PresenceStore } from '../operate/presence/presence-store.ts';
import { RedisPresence } from '../operate/presence/redis-presence.ts';
import type { Inbox } from '../pipeline/inbox/inbox.ts';
import { type MarksStore, MemoryMarksStore } from '../pipeline/inbox/marks-store.ts';
import { MemoryInbox } from '../pipeline/inbox/memory-inbox.ts';
import { RedisInbox } from '../pipeline/inbox/redis-inbox.ts';
import { RedisMarksStore } from '../pipeline/inbox/redis-marks-store.ts';
import { StoredInbox, type StoredInboxOptions } from '../pipeline/inbox/stored-inbox.ts';
import type { UserInbox } from '../pipeline/inbox/user-inbox.ts';
import { LocalUnreachedMemory } from '../reach/local-unreached-memory.ts';
import { RedisUnreachedMemory } from '../reach/redis-unreached-memory.ts';
import type { UnreachedMemory } from '../reach/unreached-memory.ts';
import { within } from '../resilience/timeout.ts';
import { faultOf, isUnavailable } from '../resilience/unavailable.ts';
import { answerBytes, type Context } from './context.ts';
import { maxLifetimeMs } from './verifier.ts';

/** Where notifications are kept, and how they come from there to gateways. */
export interface Store {
  readonly inbox: Inbox;
  readonly userInbox: UserInbox;
  readonly marks: MarksStore;
  readonly live: Live;
  readonly adminCommandLog: AdminCommandLog;
  readonly presence: PresenceStore;
  readonly directory: Directory;
  readonly departments: Departments;
  readonly outcomes: Outcomes;
  /** Undefined when there is no console. */
  readonly activity: Activity | undefined;
  /** Undefined when nobody wants to know whom nothing has reached. */
  readonly unreachedMemory: UnreachedMemory | undefined;
  readonly probes: Readonly<Record<string, Probe>>;
  /** The time that all processes go by, in milliseconds since 1970: what is compared with another process's is told in it. */
  readonly now: () => number;
  /** Resolves when {@link now} is known, or the time to wait for it is over; until then it is this machine's. */
  knowsTime(withinMs: number): Promise<void>;
  /** Whether there is a connection that takes commands. Cheap. */
  isReachable(): boolean;
  close(): Promise<void>;
}

export function openStore({ node, config, log, signals }: Context): Store {
  const { user, department, topic, global } = config.INBOX_MAX_AGE;
  const limits = {
    maxLength: config.INBOX_MAX_LENGTH,
    maxAgeMs: {
      user: user * 1000,
      department: department * 1000,
      topic: topic * 1000,
      global: global * 1000,
    },
    dedupeMs: config.DEDUPE_SECONDS * 1000,
  };
  const maxAnswerBytes = answerBytes(config);
  const afterMs = config.UNREACHED_AFTER * 1000;
  const unreachedKept = {
    fetchedKeptMs: afterMs + MARGIN_MS,
    signalledKeptMs: limits.dedupeMs + afterMs + MARGIN_MS,
  };
  if (config.backends === undefined) {
    const now = Date.now;
    const live = new MemoryLive();
    const publish = (audience: Audience, message: Buffer) => live.publish(audience, message);
    const inbox = new MemoryInbox({ limits, publish, now });
    const marks = new MemoryMarksStore(publish);
    const unreachedMemory = afterMs === 0 ? undefined : new LocalUnreachedMemory(unreachedKept, now);
    const hooks = inboxHooks(signals, unreachedMemory);
    const userInbox = new StoredInbox({ inbox, store: marks, kept: limits, maxAnswerBytes, now, ...hooks });
    const adminCommandLog = new MemoryAdminCommandLog();
    const outcomes = new MemoryOutcomes(config.TRAIL_SECONDS * 1000, now);
    const presence = new MemoryPresence();
    const directory = new NodesDirectory(presence, inbox);
    const departments = new MemoryDepartments();
    const activity = new MemoryActivity({ node, now });
    const kept = { adminCommandLog, outcomes, presence, directory, departments, activity, unreachedMemory };
    const none = {
      probes: {},
      isReachable: () => true,
      now,
      knowsTime: async () => {},
      close: async () => {},
    };
    return { live, inbox, userInbox, marks, ...kept, ...none };
  }
  const denials = new RedisDenials(log);
  const redis = connectForCommands(config.backends, log, denials);
  const subscriptions = connectForSubscriptions(config.backends, log, denials);
  const subscriber = subscriberOf(subscriptions);
  const clock = new RedisClock(redis);
  const { now } = clock;
  const runIds = new RunIds(redis);
  const suffix = suffixOf(redis);
  const channelOfRoom = (room: string) => channelOf(room, suffix);
  const inbox = new RedisInbox({
    redis,
    runIdOf: (key) => runIds.of(key),
    nodeOf: (key) => nodeOf(redis, key),
    channelOf: channelOfRoom,
    limits,
  });
  // A user who was away for longer has nothing left that could be marked.
  const keptMs = 2 * Math.max(...Object.values(limits.maxAgeMs));
  const marks = new RedisMarksStore({ redis, channelOf: channelOfRoom, keptMs });
  const outcomes = new RedisOutcomes({
    redis,
    keptMs: config.TRAIL_SECONDS * 1000,
    onLost: (error) => {
      if (isUnavailable(error)) log.debug({ reason: String(error) }, 'outcome lost');
      else log.error(faultOf(error), 'outcome lost');
    },
  });
  const presence = new RedisPresence({ redis });
  const unreachedMemory = afterMs === 0 ? undefined : new RedisUnreachedMemory({ redis, ...unreachedKept });
  return {
    inbox,
    userInbox: new StoredInbox({
      inbox,
      store: marks,
      kept: limits,
      maxAnswerBytes,
      now,
      ...inboxHooks(signals, unreachedMemory),
    }),
    marks,
    unreachedMemory,
    live: new RedisLive(redis, subscriber, log, suffix),
    outcomes,
    activity: config.CONSOLE ? new RedisActivity({ node, now, redis, subscriber, suffix }) : undefined,
    presence,
    directory: new NodesDirectory(presence, inbox),
    departments: new RedisDepartments(redis),
    adminCommandLog: new RedisAdminCommandLog({
      redis,
      subscriber,
      keptMs: maxLifetimeMs(config),
      now,
    }),
    probes: {
      redis: () =>
        denials.reason === undefined
          ? whether(redis.status === 'ready', stateOf(redis))
          : whether(false, denials.reason),
      redis_subscriptions: () => whether(subscriptions.status === 'ready', stateOf(subscriptions)),
      ...(config.ROLES.includes('gateway')
        ? { log_reads: () => whether(!inbox.isReadingStalled, 'no progress') }
        : {}),
    },
    isReachable: () => redis.status === 'ready',
    now,
    knowsTime: (withinMs) => within(withinMs, clock.known, () => {}),
    close: async () => {
      await outcomes.close();
      clock.close();
      redis.disconnect();
      subscriptions.disconnect();
    },
  };
}

/** What the inbox tells of what users fetch and mark. */
function inboxHooks(signals: Signals, unreachedMemory: UnreachedMemory | undefined) {
  return {
    onListed: (user: string, head: Cursor) => unreachedMemory?.fetched(`user:${user}`, head),
    ...(signals.wants('notification.read') ? { onRead: readSignal(signals) } : {}),
  };
}

/** For checks that wait longer than they were told to, because no consumer is there. */
const MARGIN_MS = 7 * 86_400_000;

/** What is read is a signal too, for whoever counts it. */
function readSignal(signals: Signals): NonNullable<StoredInboxOptions['onRead']> {
  return (user, as, { ids, events, upTo, all }, origin) =>
    signals.emit('notification.read', {
      user,
      as,
      ids,
      events,
      upTo,
      all,
      by: origin === '' ? 'http' : origin,
    });
}
