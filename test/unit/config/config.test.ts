/** Configuration: defaults, every fault at once, variables that contradict each other, and no secret told. */
import { getHeapStatistics } from 'node:v8';
import { describe, expect, test } from 'vitest';
import { ConfigError, documentedVariables, readConfig } from '../../../src/config/config.ts';

type Environment = Record<string, string>;

const SECRET = 'a-secret-of-more-than-32-characters';
const backends = { AMQP_URL: 'amqp://user:pw@127.0.0.1', REDIS_URL: 'redis://127.0.0.1' };
const real = { ...backends, JWT_SECRET: SECRET };

/** The faults that an environment is refused with, one a line. */
function faultsOf(environment: Environment): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.code).toBe('invalid_configuration');
    const [count, ...faults] = error.message.split('\n  - ');
    expect(count).toBe(`the configuration has ${faults.length} fault(s):`);
    return faults;
  }
  return [];
}

const starting = (...starts: string[]) => starts.map((start) => expect.stringMatching(`^${start}`));

const forAll = (number: number) => ({ user: number, department: number, topic: number, global: number });

describe('what is not set', () => {
  test('has these defaults, and means embedded mode on loopback', () => {
    expect(readConfig({})).toEqual({
      PORT: 3000,
      OPS_PORT: 3001,
      HOST: '127.0.0.1',
      OPS_HOST: '127.0.0.1',
      ROLES: ['gateway', 'consumer'],
      JWT_CLAIM_USER: 'sub',
      JWT_CLAIM_DEPARTMENTS: 'departments',
      JWT_CLAIM_TOPICS: 'topics',
      JWT_CLOCK_SKEW_SECONDS: 5,
      JWT_MAX_DAYS: 366,
      ALLOWED_ORIGINS: [],
      PARTITIONS: 1,
      PARTITION_BY: 'key',
      PREFETCH: 256,
      EVENT_MAX_BYTES: 262_144,
      EVENT_MAX_AUDIENCES: 10_000,
      REDIS_MIN_REPLICAS: 0,
      INBOX_MAX_LENGTH: forAll(1_000),
      SYNC_LIMIT: 300,
      FEED_CHECK_SECONDS: 20,
      INBOX_MAX_AGE: forAll(2_592_000),
      CANARY_SECONDS: 5,
      DEDUPE_SECONDS: 86_400,
      TRAIL_SECONDS: 21_600,
      SIGNALS: [
        'client.connected',
        'client.disconnected',
        'topic.joined',
        'topic.left',
        'notification.read',
        'audit',
      ],
      UNREACHED_AFTER: 0,
      COMPRESSION_THRESHOLD: 512,
      COMPRESSION_LEVEL: 3,
      TRUST_PROXY: [],
      CONSOLE: false,
      CONNECTIONS_PER_NODE: 50_000,
      CONNECTIONS_PER_ADDRESS: 10_000,
      CONNECTIONS_PER_USER: 20,
      CLIENT_MESSAGES_PER_SECOND: 10,
      CLIENT_MESSAGES_BURST: 20,
      CLIENT_MESSAGE_MAX_BYTES: 16_384,
      HTTP_EVENTS_PER_SECOND: 1_000,
      CONNECTIONS_PER_USER_ALL_NODES: 0,
      HTTP_EVENTS_PER_SECOND_ALL_NODES: 0,
      USER_COST_PER_SECOND: 5_000,
      USER_REQUESTS_AT_ONCE: 4,
      ANSWER_MAX_BYTES: 524_288,
      TOPICS_PER_SESSION: 100,
      PENDING_MAX_BYTES: 1_048_576,
      PENDING_TOTAL_MAX_BYTES: Math.floor(getHeapStatistics().heap_size_limit / 8),
      DRAIN_SECONDS: 5,
      HANDSHAKE_SECONDS: 5,
      SHUTDOWN_TIMEOUT: 15,
      LOG_LEVEL: 'info',
      LOG_SAMPLE_RATE: 0.01,
      LOG_REDACT: expect.arrayContaining(['data.email', 'data.password']),
      tokenKeys: { secrets: [{ secret: expect.stringContaining('development') }] },
    });
  });

  test('listens everywhere when there are backends', () => {
    expect(readConfig(real)).toMatchObject({
      HOST: '0.0.0.0',
      backends: {
        amqp: { nodes: [{ host: '127.0.0.1', port: 5672 }], username: 'user', password: 'pw', vhost: '/' },
        redis: { kind: 'standalone', url: 'redis://127.0.0.1' },
      },
      tokenKeys: { secrets: [{ secret: SECRET }] },
    });
  });

  test.each(documentedVariables.map(({ name }) => name).filter((name) => name !== 'LOG_LEVEL'))(
    '%s is not set when it is empty',
    (name) => {
      expect(readConfig({ [name]: '' })).toEqual(readConfig({}));
    },
  );

  test('LOG_LEVEL is not set when it is empty', () => {
    expect(readConfig({ LOG_LEVEL: '' })).toEqual(readConfig({}));
  });
});

test.each([
  'realm_access.roles',
  'https://example.com/departments',
  'cognito:groups',
  'resource_access.my app.roles',
])('a claim may be named %s', (name) => {
  expect(readConfig({ JWT_CLAIM_USER: name, JWT_CLAIM_SCOPE: name })).toMatchObject({
    JWT_CLAIM_USER: name,
    JWT_CLAIM_SCOPE: name,
  });
});

test('what is set is read', () => {
  const config = readConfig({
    AMQP_URL: 'amqps://rabbit.example',
    REDIS_URL: 'rediss://a:1, rediss://b:2',
    JWKS_URL: 'https://id.example/keys',
    ROLES: ' gateway ',
    ALLOWED_ORIGINS: 'https://a.example, https://b.example,',
    LOG_SAMPLE_RATE: '0.5',
    PORT: '0',
  });
  expect(config).toMatchObject({
    PORT: 0,
    ROLES: ['gateway'],
    ALLOWED_ORIGINS: ['https://a.example', 'https://b.example'],
    LOG_SAMPLE_RATE: 0.5,
    tokenKeys: { secrets: [], jwksUrl: 'https://id.example/keys' },
    backends: { redis: { kind: 'cluster', urls: ['rediss://a:1', 'rediss://b:2'] } },
  });
  expect(readConfig({ ...real, REDIS_CLUSTER: 'true' }).backends?.redis.kind).toBe('cluster');
});

describe('a malformed variable', () => {
  test.each([
    ['PORT', 'http'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['PORT', 'NaN'],
    ['PORT', ' '],
    ['PORT', '0x50'],
    ['TRUST_PROXY', '1'],
    ['TRUST_PROXY', 'true'],
    ['TRUST_PROXY', '10.0.0.0/8,2'],
    ['SIGNALS', 'none,topic.left'],
    ['PREFETCH', '0'],
    ['EVENT_MAX_AUDIENCES', '100001'],
    ['JWT_CLOCK_SKEW_SECONDS', '31'],
    ['JWT_CLAIM_USER', 'iss'],
    ['JWT_CLAIM_USER', ' oid'],
    ['JWT_CLAIM_USER', 'oid,sub'],
    ['JWT_CLAIM_DEPARTMENTS', 'a..b'],
    ['JWT_CLAIM_DEPARTMENTS', '.a'],
    ['JWT_CLAIM_TOPICS', 'a.'],
    ['JWT_CLAIM_TOPICS', 'a\u0000'],
    ['JWT_CLAIM_SCOPE', 'x'.repeat(257)],
    ['JWT_CLAIM_SCOPE', 'a.b.c.d.e.f.g.h.i.j.k.l.m'],
    ['JWT_CLAIM_SCOPE', 'aud'],
    ['JWT_SCOPE_PREFIX', 'a b'],
    ['LOG_SAMPLE_RATE', '1.1'],
    ['LOG_SAMPLE_RATE', 'Infinity'],
    ['ROLES', 'gateway,admin'],
    ['ROLES', ','],
    ['LOG_LEVEL', 'loud'],
    ['REDIS_CLUSTER', 'yes'],
  ])('%s=%s is the one fault', (name, value) => {
    expect(faultsOf({ [name]: value })).toEqual(starting(`${name}: `));
  });

  test.each([
    ['AMQP_URL', 'http://127.0.0.1'],
    ['AMQP_URL', '127.0.0.1:5672'],
    ['AMQP_URL', 'amqp://user:%fc@127.0.0.1'],
    ['REDIS_URL', 'redis://a,http://b'],
    ['REDIS_URL', 'redis://a,'],
    ['JWKS_URL', 'ftp://id.example'],
    ['JWT_SECRET', 'short'],
  ])('%s=%s is the one fault, with backends set', (name, value) => {
    const key = name.startsWith('J') ? {} : { JWT_SECRET: SECRET };
    expect(faultsOf({ ...backends, ...key, [name]: value })).toEqual(starting(`${name}: `));
  });

  test('is reported with all others, and with a backend that is half set', () => {
    expect(
      faultsOf({ PORT: 'x', PREFETCH: '0', LOG_LEVEL: 'loud', ROLES: 'a,b', AMQP_URL: backends.AMQP_URL }),
    ).toEqual(
      expect.arrayContaining(starting('PORT: ', 'PREFETCH: ', 'LOG_LEVEL: ', 'ROLES: ', 'REDIS_URL: ')),
    );
  });

  test('is reported together with variables that contradict each other', () => {
    expect(faultsOf({ PORT: 'x', HOST: '0.0.0.0' })).toEqual(
      expect.arrayContaining(starting('PORT: ', 'HOST: ')),
    );
  });
});

describe('variables that contradict each other', () => {
  test.each<[string, Environment, string]>([
    [
      'AMQP_URL without REDIS_URL',
      { AMQP_URL: backends.AMQP_URL, JWT_SECRET: SECRET },
      'REDIS_URL: is not set',
    ],
    [
      'REDIS_URL without AMQP_URL',
      { REDIS_URL: backends.REDIS_URL, JWT_SECRET: SECRET },
      'AMQP_URL: is not set',
    ],
    ['an empty half', { ...real, AMQP_URL: '' }, 'AMQP_URL: is not set'],
    ['backends without a key', backends, 'JWT_SECRET or JWKS_URL: one of them is required'],
    ['embedded and all addresses', { HOST: '0.0.0.0' }, 'HOST: embedded mode'],
    ['embedded and a name', { HOST: 'carillon.example' }, 'HOST: embedded mode'],
    ['embedded and OPS_PORT for all', { OPS_HOST: '0.0.0.0' }, 'OPS_HOST: embedded mode'],
    ['embedded and one role', { ROLES: 'gateway' }, 'ROLES: embedded mode'],
    ['embedded and the other role', { ROLES: 'consumer' }, 'ROLES: embedded mode'],
  ])('%s: one fault', (_name, environment, fault) => {
    expect(faultsOf(environment)).toEqual(starting(fault));
  });

  test('are reported all at once', () => {
    expect(faultsOf({ HOST: '0.0.0.0', ROLES: 'consumer', PARTITIONS: '4' })).toEqual(
      expect.arrayContaining(starting('HOST: ', 'ROLES: ', 'PARTITIONS: ')),
    );
  });

  test('embedded and one role twice: one fault', () => {
    expect(faultsOf({ ROLES: 'consumer,consumer' })).toEqual(starting('ROLES: '));
  });

  test.each(['127.0.0.1', '::1', 'localhost'])('embedded mode may listen on %s', (HOST) => {
    expect(readConfig({ HOST }).HOST).toBe(HOST);
    expect(readConfig({ OPS_HOST: HOST }).OPS_HOST).toBe(HOST);
  });
});

test.each([
  ['500', forAll(500)],
  ['500,topic=50', { ...forAll(500), topic: 50 }],
  ['topic=50,500', { ...forAll(500), topic: 50 }],
  ['topic=50', { ...forAll(1_000), topic: 50 }],
  [' topic=50 , global=7 ', { ...forAll(1_000), topic: 50, global: 7 }],
])('INBOX_MAX_LENGTH=%s is by kind of audience', (value, expected) => {
  expect(readConfig({ INBOX_MAX_LENGTH: value }).INBOX_MAX_LENGTH).toEqual(expected);
});

test.each(['0', 'x', 'team=5', 'topic=', 'topic=1000001', '1.5', '5,6', 'topic=5,topic=6'])(
  'INBOX_MAX_LENGTH=%s is a fault',
  (value) => {
    expect(faultsOf({ INBOX_MAX_LENGTH: value })).toEqual(starting('INBOX_MAX_LENGTH: '));
  },
);

test('the configuration is frozen', () => {
  const config = readConfig(real);
  for (const part of [config, config.backends, config.tokenKeys]) expect(Object.isFrozen(part)).toBe(true);
  expect(() => Object.assign(config, { PORT: 1 })).toThrow(TypeError);
});

test('no secret is in a message', () => {
  const leak = 'hunter2';
  const messages = [
    faultsOf({ JWT_SECRET: leak }),
    faultsOf({ AMQP_URL: `http://u:${leak}@rabbit`, REDIS_URL: `http://:${leak}@redis` }),
    faultsOf({ AMQP_URL: `amqp://u:${leak}@rabbit` }),
    faultsOf({ AMQP_URL: `amqp://u:a,${leak}@rabbit` }),
    faultsOf({ AMQP_URL: `amqp://u:${leak}@a,amqp://u:other@b` }),
    faultsOf({ REDIS_URL: `redis://:${leak}@redis,nonsense` }),
    faultsOf({ JWKS_URL: `ftp://u:${leak}@id` }),
    faultsOf({ ...real, JWT_SECRET: Array.from({ length: 6 }, () => leak.repeat(8)).join() }),
  ];
  for (const faults of messages) {
    expect(faults).not.toEqual([]);
    expect(faults.join('\n')).not.toContain(leak);
  }
});

test('every variable says what it is for', () => {
  for (const { name, purpose } of documentedVariables) expect(purpose, name).not.toBe('');
});
