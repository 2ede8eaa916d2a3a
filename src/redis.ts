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

const COMMANDS = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  commandTimeout: 1_000,
  // A peer that vanished silently: without it the connection hangs until the kernel gives up, after minutes.
  socketTimeout: 5_000,
} satisfies RedisOptions;

const SUBSCRIPTIONS = { maxRetriesPerRequest: null } satisfies RedisOptions;

const retryStrategy = (attempt: number) => Math.min(100 * 2 ** attempt, 2_000) * (0.5 + Math.random());

export interface RedisAddress {
  readonly redisUrls: readonly string[];
  readonly redisCluster: boolean;
}

export type RedisConnection = Redis | Cluster;

export function connectForCommands(address: RedisAddress, log: Logger): RedisConnection {
  return open(address, COMMANDS, { enableOfflineQueue: false }, log);
}

export function connectForSubscriptions(address: RedisAddress, log: Logger): RedisConnection {
  // Without shardedSubscribers a Cluster connection takes SSUBSCRIBE, answers no error, and stays silent.
  return open(address, SUBSCRIPTIONS, { shardedSubscribers: true }, log);
}

function open(
  { redisUrls, redisCluster }: RedisAddress,
  options: typeof COMMANDS | typeof SUBSCRIPTIONS,
  clusterOptions: ClusterOptions,
  log: Logger,
): RedisConnection {
  const [first = ''] = redisUrls;
  const redis = redisCluster
    ? new Cluster([...redisUrls], {
        ...clusterOptions,
        clusterRetryStrategy: retryStrategy,
        redisOptions: { ...options, ...credentialsIn(first) },
      })
    : new Redis(first, { ...options, retryStrategy });
  if (redis instanceof Redis) joinWrites(redis);
  else redis.on('+node', joinWrites);
  // ioredis says the same for each attempt; the first one and the recovery are what an operator needs.
  let away = false;
  redis.on('error', (error: Error) => {
    if (!away) log.warn({ reason: error.message }, 'Redis is away');
    away = true;
  });
  redis.on('ready', () => {
    if (away) log.info('Redis is back');
    away = false;
  });
  return redis;
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
 * The `run_id` of the process that serves each key. It changes with every restart and failover, which is when
 * acknowledged writes may have been lost.
 */
export class RunIds {
  readonly #redis: RedisConnection;
  readonly #byNode = new Map<string, string>();

  constructor(redis: RedisConnection) {
    this.#redis = redis;
    if (redis instanceof Redis) {
      this.#track(redis);
    } else {
      for (const node of redis.nodes()) this.#track(node);
      redis.on('+node', (node: Redis) => this.#track(node));
    }
  }

  /** Undefined while the serving node is not connected, or has not told its id on this connection yet. */
  of(key: string): string | undefined {
    if (this.#redis instanceof Redis) return this.#byNode.get(addressOf(this.#redis));
    const [primary] = this.#redis.slots[calculateSlot(key)] ?? [];
    return primary === undefined ? undefined : this.#byNode.get(primary);
  }

  #track(node: Redis): void {
    const address = addressOf(node);
    const forget = () => this.#byNode.delete(address);
    const ask = async () => {
      forget();
      try {
        const runId = /^run_id:(\w+)/m.exec(await node.info('server'))?.[1];
        if (runId !== undefined) this.#byNode.set(address, runId);
      } catch {
        // The connection has died again; the next 'ready' asks anew.
      }
    };
    node.on('ready', ask);
    node.on('close', forget);
    if (node.status === 'ready') void ask();
    // Replicas connect only when they are used, and nothing is written to a node whose id is not known: one that
    // is promoted has to be connected by then.
    if (node.status === 'wait') node.connect().catch(() => {});
  }
}

function addressOf(node: Redis): string {
  return `${node.options.host}:${node.options.port}`;
}
