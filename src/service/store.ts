/** The store: Redis, or this process's memory in embedded mode. */
import { Cluster } from 'ioredis';
import type { Audience } from '../contract/audience.ts';
import type { UserInbox } from '../contract/inbox.ts';
import type { DirectiveLog } from '../directives/directive-log.ts';
import { MemoryDirectiveLog } from '../directives/memory-directive-log.ts';
import { RedisDirectiveLog } from '../directives/redis-directive-log.ts';
import { ClusterSubscriber } from '../gateway/cluster-subscriber.ts';
import type { Live } from '../gateway/live.ts';
import { MemoryLive } from '../gateway/memory-live.ts';
import { channelOf, RedisLive } from '../gateway/redis-live.ts';
import type { Inbox } from '../inbox/inbox.ts';
import { MemoryMarksStore } from '../inbox/marks-store.ts';
import { MemoryInbox } from '../inbox/memory-inbox.ts';
import { RedisInbox } from '../inbox/redis-inbox.ts';
import { RedisMarksStore } from '../inbox/redis-marks-store.ts';
import { StoredInbox } from '../inbox/stored-inbox.ts';
import { type Probe, whether } from '../ops/health.ts';
import { connectForCommands, connectForSubscriptions, nodeOf, RunIds } from '../redis.ts';
import type { Context } from './context.ts';
import { maxLifetimeMs } from './verifier.ts';

/** Where notifications are kept, and how they come from there to gateways. */
export interface Store {
  readonly inbox: Inbox;
  readonly userInbox: UserInbox;
  readonly live: Live;
  readonly directiveLog: DirectiveLog;
  readonly probes: Readonly<Record<string, Probe>>;
  close(): Promise<void>;
}

export function openStore({ config, log }: Context): Store {
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
  const now = Date.now;
  const { maxLength } = limits;
  if (config.backends === undefined) {
    const live = new MemoryLive();
    const publish = (audience: Audience, message: Buffer) => live.publish(audience, message);
    const inbox = new MemoryInbox({ limits, publish, now });
    const userInbox = new StoredInbox({ inbox, store: new MemoryMarksStore(publish), maxLength, now });
    const directiveLog = new MemoryDirectiveLog();
    return { live, inbox, userInbox, directiveLog, probes: {}, close: async () => {} };
  }
  const redis = connectForCommands(config.backends, log);
  const subscriptions = connectForSubscriptions(config.backends, log);
  const subscriber = subscriptions instanceof Cluster ? new ClusterSubscriber(subscriptions) : subscriptions;
  const runIds = new RunIds(redis);
  const inbox = new RedisInbox({
    redis,
    runIdOf: (key) => runIds.of(key),
    nodeOf: (key) => nodeOf(redis, key),
    channelOf,
    limits,
  });
  // A user who was away for longer has nothing left that could be marked.
  const keptMs = 2 * Math.max(...Object.values(limits.maxAgeMs));
  const store = new RedisMarksStore({ redis, channelOf, keptMs });
  return {
    inbox,
    userInbox: new StoredInbox({ inbox, store, maxLength, now }),
    live: new RedisLive(redis, subscriber, log),
    directiveLog: new RedisDirectiveLog({
      redis,
      subscriber,
      keptMs: maxLifetimeMs(config),
    }),
    probes: {
      redis: () => whether(redis.status === 'ready', redis.status),
      redis_subscriptions: () => whether(subscriptions.status === 'ready', subscriptions.status),
    },
    close: async () => {
      redis.disconnect();
      subscriptions.disconnect();
    },
  };
}
