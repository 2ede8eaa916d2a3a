/**
 * The doctor looks at every variable that names something outside of the process, a file, an address or a name, or the
 * page on the command line says why it cannot. A variable that is in none of these lists fails the test.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { examine } from '../../../src/cli/doctor.ts';
import type { Finding } from '../../../src/cli/finding.ts';
import { documentedVariables } from '../../../src/config/config.ts';
import { certificate } from '../../support/certificates.ts';

type Environment = Readonly<Record<string, string>>;

const SECRET = { JWT_SECRET: 'x'.repeat(32) };
const ANY_PORTS = { PORT: '0', OPS_PORT: '0' };
const NOWHERE = '/nowhere/at/all';
const CLOSED = '127.0.0.1:9';
const SERVERS = { AMQP_URL: `amqp://${CLOSED}`, REDIS_URL: `redis://${CLOSED}`, ...SECRET };
const TLS = { ...SERVERS, AMQP_URL: `amqps://${CLOSED}`, REDIS_URL: `rediss://${CLOSED}` };

/** With this variable wrong, which check is not content. */
const SEEN: Readonly<Record<string, { readonly wrong: Environment; readonly check: string }>> = {
  PORT: { wrong: { PORT: '9999', OPS_PORT: '9999' }, check: 'ports' },
  OPS_PORT: { wrong: { PORT: '9999', OPS_PORT: '9999' }, check: 'ports' },
  // TEST-NET-1: nobody's.
  HOST: { wrong: { ...SERVERS, HOST: '192.0.2.1', PORT: '9999' }, check: 'ports PORT' },
  OPS_HOST: { wrong: { ...SERVERS, OPS_HOST: '192.0.2.1', OPS_PORT: '9999' }, check: 'ports OPS_PORT' },
  AMQP_URL: { wrong: SERVERS, check: 'rabbitmq' },
  AMQP_CA_FILE: { wrong: { ...TLS, AMQP_CA_FILE: NOWHERE }, check: 'configuration' },
  AMQP_CERT_FILE: {
    wrong: { ...TLS, AMQP_CERT_FILE: NOWHERE, AMQP_KEY_FILE: certificate('client.key') },
    check: 'configuration',
  },
  AMQP_KEY_FILE: {
    wrong: { ...TLS, AMQP_CERT_FILE: certificate('client.pem'), AMQP_KEY_FILE: certificate('server.key') },
    check: 'configuration',
  },
  REDIS_URL: { wrong: SERVERS, check: 'redis' },
  REDIS_CA_FILE: { wrong: { ...TLS, REDIS_CA_FILE: NOWHERE }, check: 'configuration' },
  REDIS_CERT_FILE: {
    wrong: { ...TLS, REDIS_CERT_FILE: NOWHERE, REDIS_KEY_FILE: certificate('client.key') },
    check: 'configuration',
  },
  REDIS_KEY_FILE: {
    wrong: { ...TLS, REDIS_CERT_FILE: certificate('client.pem'), REDIS_KEY_FILE: certificate('server.key') },
    check: 'configuration',
  },
  JWT_SECRET: { wrong: { ...SERVERS, JWT_SECRET: 'short' }, check: 'configuration' },
  JWKS_URL: { wrong: { JWKS_URL: `http://${CLOSED}` }, check: 'token keys' },
  ROUTES_FILE: { wrong: { ROUTES_FILE: NOWHERE }, check: 'configuration' },
  SOURCES_FILE: { wrong: { ...SERVERS, SOURCES_FILE: NOWHERE }, check: 'configuration' },
  // Those of Node and of the command line besides.
  NODE_EXTRA_CA_CERTS: {
    wrong: { ...SERVERS, NODE_EXTRA_CA_CERTS: NOWHERE },
    check: 'certificates NODE_EXTRA_CA_CERTS',
  },
  CARILLON_OPS_URL: { wrong: { CARILLON_OPS_URL: `http://${CLOSED}` }, check: 'readiness' },
  CARILLON_MANAGEMENT_URL: {
    wrong: { ...SERVERS, CARILLON_MANAGEMENT_URL: `http://${CLOSED}` },
    check: 'rabbitmq policies',
  },
  CONNECTIONS_PER_NODE: { wrong: { CONNECTIONS_PER_NODE: '1000000' }, check: 'open files' },
};

/** Only a server shows whether they are right: the test that asks one, and the check. */
const SEEN_IN_SERVERS: Readonly<Record<string, { readonly test: string; readonly check: string }>> = {
  AMQP_DECLARE: { test: 'cli/doctor-rights.test.ts', check: 'rabbitmq topology' },
  PARTITIONS: { test: 'adapters/rabbitmq/declared-elsewhere.test.ts', check: 'rabbitmq partitions' },
  PARTITION_BY: { test: 'adapters/rabbitmq/declared-elsewhere.test.ts', check: 'rabbitmq topology' },
  REDIS_CLUSTER: { test: 'cli/doctor.test.ts', check: 'redis cluster' },
  REDIS_MIN_REPLICAS: { test: 'adapters/redis/sentinel.test.ts', check: 'redis replicas' },
  ROLES: { test: 'cli/doctor-rights.test.ts', check: 'rabbitmq rights' },
  SIGNALS: { test: 'cli/doctor-rights.test.ts', check: 'rabbitmq rights' },
  UNREACHED_AFTER: { test: 'cli/doctor-rights.test.ts', check: 'rabbitmq rights' },
};

/** Listed on the page under what the doctor cannot look at. */
const UNSEEN = [
  'ALLOWED_ORIGINS',
  'TRUST_PROXY',
  'JWT_ISSUER',
  'JWT_AUDIENCE',
  'JWT_CLAIM_USER',
  'JWT_CLAIM_DEPARTMENTS',
  'JWT_CLAIM_TOPICS',
  'JWT_CLAIM_SCOPE',
  'JWT_SCOPE_PREFIX',
];

/** Numbers, switches and words of the process's own: whether they are well-formed is all that there is to know. */
const OF_THE_PROCESS =
  /^(PREFETCH|EVENT_MAX_|INBOX_MAX_|SYNC_LIMIT$|CANARY_SECONDS$|FEED_CHECK_|DEDUPE_|TRAIL_|COMPRESSION_|CONSOLE$|CONNECTIONS_PER_(ADDRESS|USER|USER_ALL_NODES)$|CLIENT_MESSAGE|HTTP_EVENTS_|USER_(COST|REQUESTS)_|ANSWER_MAX_|TOPICS_PER_|PENDING_|HANDSHAKE_|DRAIN_|SHUTDOWN_|LOG_|JWT_(CLOCK_SKEW_SECONDS|MAX_DAYS)$)/;

test.for(documentedVariables)('$name is in one of the lists', ({ name }) => {
  const lists = [name in SEEN, name in SEEN_IN_SERVERS, UNSEEN.includes(name), OF_THE_PROCESS.test(name)];
  expect({ name, lists: lists.filter((isIn) => isIn).length }).toEqual({ name, lists: 1 });
});

describe('with a wrong', () => {
  test.for(Object.entries(SEEN))('%s its check is not content', { timeout: 60_000 }, async ([, one]) => {
    const findings: Finding[] = [];
    for await (const finding of examine({ ...ANY_PORTS, ...one.wrong })) findings.push(finding);
    const [found] = findings.filter(({ check, verdict }) => check === one.check && verdict !== 'ok');
    expect(found).toMatchObject({ found: expect.any(String), change: expect.any(String) });
  });
});

test.for(Object.entries(SEEN_IN_SERVERS))('%s has a test that asks a server', ([name, one]) => {
  const text = readFileSync(`test/integration/${one.test}`, 'utf8');
  expect([text.includes(name), text.includes(`'${one.check}'`)]).toEqual([true, true]);
});

test.for(UNSEEN)('the page says why %s cannot be looked at', (name) => {
  const [, unseen = ''] = readFileSync('docs/cli.md', 'utf8').split('What it cannot look at:');
  expect(unseen).toContain(`\`${name}\``);
});
