/**
 * Connections to Redis, standalone or Cluster, and which process serves each key.
 *
 * Two kinds, because one set of options cannot serve both uses. Commands fail at once while Redis is away, so that
 * whoever waits learns of it, and are never sent again by themselves. Subscriptions wait for ever: one that failed
 * fast during an outage would be missing afterwards, without any error.
 */
import calculateSlot from 'cluster-key-slot';
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import type { Logger } from 'pino';
import { databaseRefused, stayInDatabase } from './database.ts';
import { RedisDenials } from './denials.ts';
import { growTimeouts } from './timeouts.ts';

const COMMANDS = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
} satisfies RedisOptions;

const SUBSCRIPTIONS = { maxRetriesPerRequest: null, socketTimeout: 5_000 } satisfies RedisOptions;

/** Nobody else sends on a connection that only listens, so that without a question its silence says nothing. */
const PING_EVERY_MS = 5_000;

/** Between two attempts to find a primary where a replica answered. */
const LEAVE_EVERY_MS = 1_000;

/** Slots also move without any command that would find out: a subscription is not sent again by itself. */
const SLOTS_EVERY_MS = 5_000;

const retryStrategy = (attempt: number) => Math.min(100 * 2 ** attempt, 2_000) * (0.5 + Math.random());

export interface RedisAddress {
  readonly redisUrls: readonly string[];
  readonly redisCluster: boolean;
}

export type RedisConnection = Redis | Cluster;

/** `denials` is told what Redis refuses for want of a right. */
export function connectForCommands(
  address: RedisAddress,
  log: Logger,
  denials = new RedisDenials(log),
): RedisConnection {
  return open(address, COMMANDS, { enableOfflineQueue: false }, log, denials, (redis) => {
    joinWrites(redis);
    growTimeouts(redis);
  });
}

/** With a Cluster, sharded channels MUST be subscribed to on its nodes' connections: cluster-subscriber.ts does. */
export function connectForSubscriptions(
  address: RedisAddress,
  log: Logger,
  denials = new RedisDenials(log),
): RedisConnection {
  return open(address, SUBSCRIPTIONS, {}, log, denials, (redis) => {
    joinWrites(redis);
    pingAgainAndAgain(redis);
  });
}

/**
 * What the names of Pub/Sub channels need behind their prefix. Pub/Sub knows nothing of Redis' numbered databases:
 * without the number, whoever shares a server would hear what is for the users of another. A Cluster has one database.
 */
export function suffixOf(redis: RedisConnection): string {
  return redis instanceof Cluster || !redis.options.db ? '' : `/${redis.options.db}`;
}

/**
 * A primary that has become a replica leaves its connections as they are. Who writes must find the one that is the
 * primary now behind the same address, but not look for it a thousand times a second.
 */
function leavesReplicas(): (error: Error) => boolean {
  let leftMs = Number.NEGATIVE_INFINITY;
  return ({ message }) => {
    const nowMs = performance.now();
    if (!message.startsWith('READONLY') || nowMs - leftMs < LEAVE_EVERY_MS) return false;
    leftMs = nowMs;
    return true;
  };
}

function open(
  { redisUrls, redisCluster }: RedisAddress,
  options: typeof COMMANDS | typeof SUBSCRIPTIONS,
  clusterOptions: ClusterOptions,
  log: Logger,
  denials: RedisDenials,
  prepare: (redis: Redis) => void,
): RedisConnection {
  const [first = ''] = redisUrls;
  const leaves = leavesReplicas();
  // Asked for each error that Redis answers, and for nothing else.
  const reconnectOnError = (error: Error) => {
    denials.refused(error);
    return !redisCluster && leaves(error);
  };
  const redis = redisCluster
    ? new Cluster([...redisUrls], {
        ...clusterOptions,
        slotsRefreshInterval: SLOTS_EVERY_MS,
        clusterRetryStrategy: retryStrategy,
        redisOptions: { ...options, reconnectOnError, ...credentialsIn(first) },
      })
    : new Redis(first, { ...options, retryStrategy, reconnectOnError });
  if (redis instanceof Redis) {
    prepare(redis);
    stayInDatabase(redis);
  } else redis.on('+node', prepare);
  // ioredis says the same for each attempt; the first one and the recovery are what an operator needs.
  let away = false;
  redis.on('error', (error: Error) => {
    denials.refused(error);
    if (!away) log.warn({ reason: error.message }, 'Redis is away');
    away = true;
  });
  redis.on('ready', () => {
    if (away) log.info('Redis is back');
    away = false;
  });
  return redis;
}

/** What a connection does now, or why it cannot be used; `ready` when it can. */
export function stateOf(redis: RedisConnection): string {
  return databaseRefused(redis) ?? redis.status;
}

/** The commands of one turn of the event loop leave in one write: each would be a system call of its own. */
function joinWrites(redis: Redis): void {
  const send = redis.sendCommand.bind(redis);
  let isCorked = false;
  redis.sendCommand = (...command) => {
    const { stream } = redis;
    if (!isCorked && stream !== undefined) {
      isCorked = true;
      stream.cork();
      setImmediate(() => {
        isCorked = false;
        stream.uncork();
      });
    }
    return send(...command);
  };
}

/**
 * `socketTimeout` of {@link SUBSCRIPTIONS} closes the connection when an answer does not come. Each connection has a timer
 * of its own: ioredis tells no end when it is told to disconnect between two of them.
 */
function pingAgainAndAgain(redis: Redis): void {
  let timer: NodeJS.Timeout | undefined;
  redis.on('ready', () => {
    clearInterval(timer);
    timer = setInterval(() => {
      // It is sent for the deadline alone, which says more than what it fails with.
      if (redis.status === 'ready') redis.ping().catch(() => {});
    }, PING_EVERY_MS);
    timer.unref();
  });
  redis.on('close', () => clearInterval(timer));
}

/** A Cluster's nodes announce addresses only: name, password and TLS come from the first URL. */
function credentialsIn(url: string) {
  const { username, password, protocol } = new URL(url);
  return {
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
  };
}

/**
 * The connection to the node that serves the key, as far as is known now. A Cluster connection would send a command
 * again by itself to wherever it is told; what is sent here stays here, and fails.
 */
export function nodeOf(redis: RedisConnection, key: string): Redis | undefined {
  if (redis instanceof Redis) return redis;
  const [address] = redis.slots[calculateSlot(key)] ?? [];
  return redis.nodes().find(({ options }) => `${options.host}:${options.port}` === address);
}

/**
 * The `run_id` of the process that serves each key. It changes with every restart and failover, which is when
 * acknowledged writes may have been lost.
 */
export class RunIds {
  readonly #redis: RedisConnection;
  readonly #byNode = new WeakMap<Redis, string>();
  readonly #asking = new WeakSet<Redis>();

  constructor(redis: RedisConnection) {
    this.#redis = redis;
    if (redis instanceof Redis) {
      this.#track(redis);
    } else {
      for (const node of redis.nodes()) this.#track(node);
      redis.on('+node', (node: Redis) => this.#track(node));
    }
  }

  /** Undefined while {@link nodeOf} the key is not connected, or has not told its id on this connection yet. */
  of(key: string): string | undefined {
    const node = nodeOf(this.#redis, key);
    if (node === undefined) return undefined;
    const runId = this.#byNode.get(node);
    if (runId === undefined && node.status === 'ready') void this.#ask(node);
    return runId;
  }

  #track(node: Redis): void {
    node.on('ready', () => this.#ask(node));
    node.on('close', () => this.#byNode.delete(node));
    if (node.status === 'ready') void this.#ask(node);
    // Replicas connect only when they are used, and nothing is written to a node whose id is not known: one that
    // is promoted has to be connected by then.
    // Whatever keeps it from connecting is told as the node's 'error'.
    if (node.status === 'wait') node.connect().catch(() => {});
  }

  async #ask(node: Redis): Promise<void> {
    if (this.#asking.has(node)) return;
    this.#asking.add(node);
    try {
      const runId = /^run_id:(\w+)/m.exec(await node.info('server'))?.[1];
      if (runId !== undefined) this.#byNode.set(node, runId);
    } catch {
      // Whatever failed, mostly that the connection died or was too slow: whoever wants the id makes this ask anew.
    } finally {
      this.#asking.delete(node);
    }
  }
}
