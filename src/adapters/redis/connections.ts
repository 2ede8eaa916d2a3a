/**
 * Connections to Redis: one server, the primary that Sentinels name, or a Cluster.
 *
 * Two kinds, because one set of options cannot serve both uses. Commands fail at once while Redis is away, so that
 * whoever waits learns of it, and are never sent again by themselves. Subscriptions wait for ever: one that failed
 * fast during an outage would be missing afterwards, without any error.
 */
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import type { Logger } from 'pino';
import type { RedisAddress, SentinelAddress } from '../../config/redis-address.ts';
import { type TlsFiles, tlsOptionsOf } from '../../config/tls-files.ts';
import { databaseRefused, stayInDatabase } from './database.ts';
import { RedisDenials } from './denials.ts';
import { lastInTurn } from './end-of-turn.ts';
import { onNodeAway, placeOf } from './places.ts';
import { growTimeouts } from './timeouts.ts';

/** From 7.2 on ioredis would name itself, for which Redis wants a right of its own. */
const UNNAMED = { disableClientInfo: true } as const;

const COMMANDS = {
  ...UNNAMED,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
} satisfies RedisOptions;

const SUBSCRIPTIONS = {
  ...UNNAMED,
  maxRetriesPerRequest: null,
  socketTimeout: 5_000,
} satisfies RedisOptions;

/** Nobody else sends on a connection that only listens, so that without a question its silence says nothing. */
const PING_EVERY_MS = 5_000;

/** Between two attempts to find a primary where a replica answered. */
const LEAVE_EVERY_MS = 1_000;

/** Slots also move without any command that would find out: a subscription is not sent again by itself. */
const SLOTS_EVERY_MS = 5_000;

/** A Sentinel that is silent MUST NOT keep anybody from asking the next one. */
const SENTINEL_ANSWER_MS = 2_000;

const retryStrategy = (attempt: number) => Math.min(100 * 2 ** attempt, 2_000) * (0.5 + Math.random());

export type RedisConnection = Redis | Cluster;

/**
 * `denials` learns what Redis refuses for want of a right. `parts`: what needs the connection, for whoever reads in the
 * log that it is gone.
 */
export function connectForCommands(
  address: RedisAddress,
  log: Logger,
  denials = new RedisDenials(log),
  parts: readonly string[] = [],
): RedisConnection {
  const about = { connection: 'commands', parts };
  return open(address, COMMANDS, { enableOfflineQueue: false }, log, about, denials, (redis) => {
    joinWrites(redis);
    growTimeouts(redis);
  });
}

/** With a Cluster, sharded channels MUST be subscribed to on its nodes' connections: cluster-subscriber.ts does. */
export function connectForSubscriptions(
  address: RedisAddress,
  log: Logger,
  denials = new RedisDenials(log),
  parts: readonly string[] = [],
): RedisConnection {
  const about = { connection: 'subscriptions', parts };
  return open(address, SUBSCRIPTIONS, {}, log, about, denials, (redis) => {
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
  address: RedisAddress,
  options: typeof COMMANDS | typeof SUBSCRIPTIONS,
  clusterOptions: ClusterOptions,
  log: Logger,
  use: { readonly connection: string; readonly parts: readonly string[] },
  denials: RedisDenials,
  prepare: (redis: Redis) => void,
): RedisConnection {
  const leaves = leavesReplicas();
  // Asked for each error that Redis answers, and for nothing else.
  const reconnectOnError = (error: Error) => {
    denials.refused(error);
    return address.kind !== 'cluster' && leaves(error);
  };
  const redis = connect(address, { ...options, reconnectOnError }, clusterOptions);
  if (redis instanceof Redis) {
    prepare(redis);
    stayInDatabase(redis);
  } else redis.on('+node', prepare);
  const about = { ...use, address: placeOf(address) };
  // ioredis says the same for each attempt; the first one and the recovery are what an operator needs.
  let away = false;
  redis.on('error', (error: Error) => {
    denials.refused(error);
    if (!away) log.warn({ ...about, reason: error.message }, 'Redis is away');
    away = true;
  });
  redis.on('ready', () => {
    if (away) log.info(about, 'Redis is back');
    away = false;
  });
  onNodeAway(
    redis,
    (node, { message }) => log.warn({ ...about, address: node, reason: message }, 'a node of Redis is away'),
    (node) => log.info({ ...about, address: node }, 'a node of Redis is back'),
  );
  return redis;
}

type Options = (typeof COMMANDS | typeof SUBSCRIPTIONS) & {
  readonly reconnectOnError: (error: Error) => boolean;
};

function connect(address: RedisAddress, options: Options, clusterOptions: ClusterOptions): RedisConnection {
  if (address.kind === 'standalone') {
    const isTls = address.url.startsWith('rediss:');
    return new Redis(address.url, { ...options, retryStrategy, ...(isTls ? tlsIn(address.tls) : {}) });
  }
  if (address.kind === 'sentinel')
    return new Redis({ ...options, retryStrategy, ...sentinelOptions(address, address.tls) });
  const [first = ''] = address.urls;
  return new Cluster([...address.urls], {
    ...clusterOptions,
    slotsRefreshInterval: SLOTS_EVERY_MS,
    clusterRetryStrategy: retryStrategy,
    redisOptions: { ...options, ...credentialsIn(first, address.tls) },
  });
}

function tlsIn(files: TlsFiles = {}) {
  return { tls: tlsOptionsOf(files) };
}

/**
 * A client of a primary that has been replaced hears it from the Sentinels, although its connection is as it was: what it
 * wrote there from then on would be lost.
 */
function sentinelOptions(
  { sentinels, primary, database, login, sentinelLogin, isTls }: SentinelAddress,
  files: TlsFiles | undefined,
) {
  const tls = isTls ? tlsIn(files) : undefined;
  return {
    sentinels: [...sentinels],
    name: primary,
    db: database,
    ...login,
    ...(sentinelLogin.username === undefined ? {} : { sentinelUsername: sentinelLogin.username }),
    ...(sentinelLogin.password === undefined ? {} : { sentinelPassword: sentinelLogin.password }),
    ...(tls === undefined ? {} : { ...tls, sentinelTLS: tls.tls, enableTLSForSentinelMode: true }),
    sentinelRetryStrategy: retryStrategy,
    sentinelReconnectStrategy: retryStrategy,
    sentinelCommandTimeout: SENTINEL_ANSWER_MS,
    failoverDetector: true,
  } satisfies RedisOptions;
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
      lastInTurn(() => {
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
function credentialsIn(url: string, files: TlsFiles | undefined) {
  const { username, password, protocol } = new URL(url);
  return {
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' ? tlsIn(files) : {}),
  };
}
