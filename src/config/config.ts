/**
 * Environment → frozen Config. The one place that knows variables, defaults and units; docs/configuration.md lists
 * the same table, and a test keeps the two together.
 */
import { getHeapStatistics } from 'node:v8';
import { z } from 'zod';
import { faultInOrigins } from './addresses.ts';
import { type AmqpAddress, amqpAddressOf, faultInAmqpUrls } from './amqp-address.ts';
import { contradictionsIn } from './contradictions.ts';
import {
  address,
  areProxies,
  integer,
  list,
  number,
  optionalInteger,
  perKind,
  text,
  truth,
  truthByDefault,
  unsetWhenEmpty,
} from './kinds.ts';
import { partitionVariables } from './partition-variables.ts';
import { faultInRedisUrls, type RedisAddress, redisAddressOf } from './redis-address.ts';
import { sharedLimitVariables } from './shared-limit-variables.ts';
import { tlsFiles } from './tls-files.ts';
import { type Secret, secretsIn } from './token-secrets.ts';
import { tokenVariables } from './token-variables.ts';

const DAY_SECONDS = 86_400;

const ACTIVITIES = [
  'client.connected',
  'client.disconnected',
  'topic.joined',
  'topic.left',
  'notification.read',
  'audit',
] as const;

const variables = z.object({
  PORT: integer(3000, 0, 65_535).describe('Port of the API, Socket.IO and, embedded, the console.'),
  OPS_PORT: integer(3001, 0, 65_535).describe(
    'Port of health, metrics, administration and the console; keep it inside your network.',
  ),
  HOST: text.describe('Address to listen on. Default: 127.0.0.1 embedded, else 0.0.0.0.'),
  OPS_HOST: text.describe(
    'Address for OPS_PORT, if it is another one: 127.0.0.1 for this machine alone. Default: HOST.',
  ),
  ROLES: list('gateway,consumer')
    .pipe(
      z.array(z.enum(['gateway', 'consumer'], 'a role is "gateway" or "consumer"')).min(1, 'names no role'),
    )
    .describe('What this process does: gateway, consumer or both.'),
  AMQP_URL: address(faultInAmqpUrls).describe(
    'RabbitMQ: `amqp://user:password@host:port/vhost`, or its nodes with commas. With REDIS_URL; neither set: embedded mode.',
  ),
  AMQP_CA_FILE: text.describe(
    "PEM file with the authorities that RabbitMQ's certificates are checked against.",
  ),
  AMQP_CERT_FILE: text.describe(
    'PEM file with the certificate that is shown to RabbitMQ; with AMQP_KEY_FILE.',
  ),
  AMQP_KEY_FILE: text.describe('PEM file with the key of that certificate.'),
  AMQP_DECLARE: truthByDefault.describe(
    'Declare exchanges, queues and bindings; `false`: they are waited for, and `carillon topology` prints them.',
  ),
  REDIS_URL: address(faultInRedisUrls).describe(
    'Redis 7.0 or later: `redis://user:password@host:port/database`; a list with commas is a Cluster, `redis+sentinel://` Sentinels.',
  ),
  REDIS_CLUSTER: truth.describe('Use one REDIS_URL as the entry to a Cluster.'),
  REDIS_CA_FILE: text.describe("PEM file with the authorities that Redis' certificates are checked against."),
  REDIS_CERT_FILE: text.describe(
    'PEM file with the certificate that is shown to Redis; with REDIS_KEY_FILE.',
  ),
  REDIS_KEY_FILE: text.describe('PEM file with the key of that certificate.'),
  REDIS_MIN_REPLICAS: integer(0, 0, 10).describe(
    'Replicas that must have an append before its event is acknowledged; events wait while there are fewer.',
  ),
  ...tokenVariables,
  ALLOWED_ORIGINS: list('')
    .superRefine((origins, context) => {
      const fault = faultInOrigins(origins);
      if (fault !== undefined) context.addIssue(fault);
    })
    .describe(
      'Origins of pages that may connect (`https://shop.example`), with commas; * for any. Default: only its own host.',
    ),
  ROUTES_FILE: text.describe('YAML file with routes for events that name no audience.'),
  SOURCES_FILE: text.describe('YAML file with exchanges and queues whose messages become events.'),
  ...partitionVariables,
  PREFETCH: integer(256, 1, 10_000).describe(
    'Events of one queue that a consumer may hold unsettled at once.',
  ),
  EVENT_MAX_BYTES: integer(262_144, 1_024, 16_777_216).describe('Largest event in bytes, with audiences.'),
  EVENT_MAX_AUDIENCES: integer(10_000, 1, 100_000).describe('Most audiences of one event, named or routed.'),
  INBOX_MAX_LENGTH: perKind(1_000, 1_000_000).describe(
    'Notifications kept per audience; by kind: `1000,topic=100`.',
  ),
  INBOX_MAX_AGE: perKind(30 * DAY_SECONDS, 3_650 * DAY_SECONDS).describe(
    'Seconds that a notification is kept; by kind: `2592000,topic=3600`.',
  ),
  SYNC_LIMIT: integer(300, 1, 10_000).describe(
    'Most missed notifications of one audience that a returning client gets; beyond that it reads the inbox.',
  ),
  FEED_CHECK_SECONDS: integer(20, 1, 3_600).describe(
    'Seconds between two checks of a gateway that it has delivered all that the logs hold.',
  ),
  CANARY_SECONDS: integer(5, 0, 30).describe(
    'Seconds between events that a gateway sends itself to check that events get through; 0: never.',
  ),
  DEDUPE_SECONDS: integer(DAY_SECONDS, 1, 365 * DAY_SECONDS).describe('Seconds that a repeat is recognised.'),
  TRAIL_SECONDS: integer(6 * 3_600, 0, 365 * DAY_SECONDS).describe(
    'Seconds for which the outcome of an event is kept for `explain`, in about 230 bytes of Redis; 0: not at all.',
  ),
  SIGNALS: list(ACTIVITIES.join())
    .pipe(z.array(z.enum([...ACTIVITIES, 'none'], `a signal is one of ${ACTIVITIES.join(', ')}, or none`)))
    .refine((names) => !names.includes('none') || names.length === 1, 'none stands alone')
    .transform((names) => names.filter((name) => name !== 'none'))
    .describe('Signals about users and operators that are published to `carillon.signals`, or `none`.'),
  UNREACHED_AFTER: integer(0, 0, 7 * DAY_SECONDS).describe(
    'Seconds until other services get the signal `unreached` for a notification that nobody came for; 0: never.',
  ),
  COMPRESSION_THRESHOLD: integer(512, 0, 1_048_576).describe(
    'Messages of at least this many bytes are compressed for devices that offer permessage-deflate.',
  ),
  COMPRESSION_LEVEL: integer(3, 0, 9).describe(
    'From 1 (fast) to 9 (small); 0 turns compression off, over HTTP too.',
  ),
  TRUST_PROXY: list('')
    .refine(areProxies, 'must be addresses, blocks or loopback, linklocal, uniquelocal')
    .describe(
      'Addresses or blocks (10.0.0.0/8, loopback) of proxies whose X-Forwarded-For counts, with commas.',
    ),
  CONSOLE: truth.describe(
    'Serve the console at /console/ on OPS_PORT, for tokens with the scope `admin`, or `admin:read` to watch; embedded mode has it on PORT.',
  ),
  CONNECTIONS_PER_NODE: integer(50_000, 1, 1_000_000).describe(
    'Most connections to PORT, WebSockets and HTTP together; fewer if the limit of open files is lower.',
  ),
  CONNECTIONS_PER_ADDRESS: integer(10_000, 1, 1_000_000).describe(
    'The same from one address, or from one /64 of IPv6; behind a proxy set TRUST_PROXY too.',
  ),
  CONNECTIONS_PER_USER: integer(20, 1, 100_000).describe('Most connections of one user to this process.'),
  CLIENT_MESSAGES_PER_SECOND: number(10, 0.1, 100_000).describe(
    'Messages that a client may send a second, in the long run; more closes it with `rate_limited`.',
  ),
  CLIENT_MESSAGES_BURST: integer(20, 1, 100_000).describe('Messages that a client may send at once.'),
  CLIENT_MESSAGE_MAX_BYTES: integer(16_384, 1_024, 1_048_576).describe(
    'Largest message of a client, also inflated; more closes it with `message_too_large`.',
  ),
  HTTP_EVENTS_PER_SECOND: integer(1_000, 1, 1_000_000).describe(
    'Events that one user (`sub`) may publish to this process a second; each counts once per audience.',
  ),
  ...sharedLimitVariables,
  USER_COST_PER_SECOND: integer(5_000, 10, 1_000_000_000).describe(
    'Units (about an entry read each) that the requests of one user may cost a second; ten times as many at once.',
  ),
  USER_REQUESTS_AT_ONCE: integer(4, 1, 1_000).describe(
    'Requests of one user that this process answers at the same time; 60 more wait.',
  ),
  ANSWER_MAX_BYTES: integer(524_288, 16_384, 268_435_456).describe(
    'Largest answer with notifications; the rest comes on a next page or by `sync`. Half of PENDING_MAX_BYTES at most.',
  ),
  TOPICS_PER_SESSION: integer(100, 1, 10_000).describe('Most topics that one socket may be in.'),
  PENDING_MAX_BYTES: integer(1_048_576, 65_536, 1_073_741_824).describe(
    'Bytes that may wait for a client that does not read them; more closes it as `slow_consumer`.',
  ),
  PENDING_TOTAL_MAX_BYTES: optionalInteger(1_048_576, 1_099_511_627_776).describe(
    'The same for all clients together; more cuts off the slowest. Default: an eighth of the heap limit.',
  ),
  HANDSHAKE_SECONDS: integer(5, 1, 60).describe('Seconds that a handshake may take.'),
  DRAIN_SECONDS: integer(5, 1, 600).describe(
    'Seconds over which clients are sent away after SIGTERM; at most half of SHUTDOWN_TIMEOUT.',
  ),
  SHUTDOWN_TIMEOUT: integer(15, 1, 600).describe(
    'Seconds after SIGTERM until the process exits in any case.',
  ),
  LOG_LEVEL: z
    .preprocess(
      unsetWhenEmpty,
      z
        .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'must be a pino level')
        .default('info'),
    )
    .describe('Lowest level that is logged.'),
  LOG_SAMPLE_RATE: number(0.01, 0, 1).describe('Share of events whose content is logged, 0 to 1.'),
  LOG_REDACT: list(
    'data.email,data.phone,data.name,data.address,data.password,data.token,data.secret',
  ).describe('Paths in an event that the sampled log leaves out.'),
});

type Variables = z.infer<typeof variables>;

/** The variables and what each is for, in order: the source of the table in the documentation. */
export const documentedVariables: readonly { name: string; purpose: string }[] = Object.entries(
  variables.shape,
).map(([name, schema]) => ({ name, purpose: schema.description ?? '' }));

/** How tokens are verified: at least one secret or a URL, with algorithms that follow from each kind. */
interface TokenKeys {
  /** The first one signs what Carillon signs itself. */
  readonly secrets: readonly Secret[];
  readonly jwksUrl: string | undefined;
}

/** The real parts, or undefined in embedded mode. */
export interface BackendAddresses {
  readonly amqp: AmqpAddress;
  readonly redis: RedisAddress;
}

export interface Config
  extends Readonly<
    Omit<
      Variables,
      | 'AMQP_URL'
      | 'AMQP_CA_FILE'
      | 'AMQP_CERT_FILE'
      | 'AMQP_KEY_FILE'
      | 'AMQP_DECLARE'
      | 'REDIS_URL'
      | 'REDIS_CLUSTER'
      | 'REDIS_CA_FILE'
      | 'REDIS_CERT_FILE'
      | 'REDIS_KEY_FILE'
      | 'JWT_SECRET'
      | 'JWKS_URL'
      | 'HOST'
      | 'OPS_HOST'
      | 'PENDING_TOTAL_MAX_BYTES'
    >
  > {
  readonly HOST: string;
  readonly OPS_HOST: string;
  readonly PENDING_TOTAL_MAX_BYTES: number;
  readonly backends: BackendAddresses | undefined;
  readonly tokenKeys: TokenKeys;
}

/** Every fault of the environment in one message. `code` is stable. */
export class ConfigError extends Error {
  readonly code = 'invalid_configuration';

  constructor(faults: readonly string[]) {
    super(
      `the configuration has ${faults.length} fault(s):\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    );
  }
}

/** Buffers lie outside of the heap, and what stands for them in it: together they must leave room for the rest. */
const PENDING_PART = 8;

/** Signs and verifies the tokens of embedded mode. Anybody may know it, hence loopback only. */
const DEVELOPMENT_SECRET = 'carillon-development-secret-for-loopback-only';

/** @throws {ConfigError} when a variable is malformed or variables contradict each other */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const result = variables.safeParse(environment);
  const malformed = result.error?.issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`) ?? [];
  const faults = [...malformed, ...contradictionsIn(environment)];
  if (!result.success || faults.length > 0) throw new ConfigError(faults);
  return freeze(result.data);
}

function freeze(values: Variables): Config {
  const { AMQP_URL, REDIS_URL, REDIS_CLUSTER, JWT_SECRET, JWKS_URL, HOST, OPS_HOST, ...others } = values;
  const { AMQP_CA_FILE, AMQP_CERT_FILE, AMQP_KEY_FILE, AMQP_DECLARE, ...more } = others;
  const { REDIS_CA_FILE, REDIS_CERT_FILE, REDIS_KEY_FILE, ...rest } = more;
  const amqpTls = tlsFiles(AMQP_CA_FILE, AMQP_CERT_FILE, AMQP_KEY_FILE);
  const tls = tlsFiles(REDIS_CA_FILE, REDIS_CERT_FILE, REDIS_KEY_FILE);
  const backends =
    AMQP_URL === undefined || REDIS_URL === undefined
      ? undefined
      : Object.freeze({
          amqp: { ...amqpAddressOf(AMQP_URL, amqpTls), declares: AMQP_DECLARE },
          redis: { ...redisAddressOf(REDIS_URL, REDIS_CLUSTER), tls },
        });
  const isGiven = JWT_SECRET !== undefined || JWKS_URL !== undefined;
  const secret = isGiven ? JWT_SECRET : DEVELOPMENT_SECRET;
  const secrets = secret === undefined ? [] : secretsIn(secret);
  const host = HOST ?? (backends === undefined ? '127.0.0.1' : '0.0.0.0');
  return Object.freeze({
    ...rest,
    HOST: host,
    OPS_HOST: OPS_HOST ?? host,
    PENDING_TOTAL_MAX_BYTES:
      rest.PENDING_TOTAL_MAX_BYTES ?? Math.floor(getHeapStatistics().heap_size_limit / PENDING_PART),
    backends,
    tokenKeys: Object.freeze({ secrets: Object.freeze(secrets), jwksUrl: JWKS_URL }),
  });
}
