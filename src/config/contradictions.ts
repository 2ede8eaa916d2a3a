/** What is wrong between variables, while each may be right by itself. */
import { isAmqpExternal, isAmqpTls } from './amqp-address.ts';
import { listOf } from './kinds.ts';
import { faultInCluster, faultInRedisUrls, isRedisTls } from './redis-address.ts';
import { SHARED_LIMITS } from './shared-limit-variables.ts';
import { faultInTlsFiles, tlsFiles } from './tls-files.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

/** Asked of the raw ones, so that all faults are reported at once. */
export function contradictionsIn(environment: Environment): string[] {
  const isSet = (name: string) => environment[name] !== undefined && environment[name] !== '';
  const embedded = !isSet('AMQP_URL') && !isSet('REDIS_URL');
  const faults: string[] = [];
  if (isSet('AMQP_URL') !== isSet('REDIS_URL')) {
    const [set, missing] = isSet('AMQP_URL') ? ['AMQP_URL', 'REDIS_URL'] : ['REDIS_URL', 'AMQP_URL'];
    faults.push(`${missing}: is not set while ${set} is; set both, or neither for embedded mode`);
  }
  const { REDIS_URL = '', REDIS_CLUSTER } = environment;
  if (REDIS_CLUSTER === 'true') {
    const isOne = isSet('REDIS_URL') && !REDIS_URL.includes(',') && faultInRedisUrls(REDIS_URL) === undefined;
    const fault = isOne ? faultInCluster(REDIS_URL) : undefined;
    if (fault !== undefined) faults.push(`REDIS_URL: ${fault} (REDIS_CLUSTER is true)`);
    if (!isSet('REDIS_URL')) faults.push('REDIS_CLUSTER: is true while REDIS_URL is not set');
  }
  faults.push(...faultsInTls(environment));
  if (!embedded && !isSet('JWT_SECRET') && !isSet('JWKS_URL')) {
    faults.push(
      'JWT_SECRET or JWKS_URL: one of them is required outside embedded mode; make a secret with: openssl rand -hex 32',
    );
  }
  for (const name of ['HOST', 'OPS_HOST']) {
    if (!embedded || !isSet(name) || LOOPBACK.includes(environment[name] ?? '')) continue;
    faults.push(
      `${name}: embedded mode hands out tokens to anybody who asks, so it stays on ${LOOPBACK.join(', ')}`,
    );
  }
  if (embedded && isSet('SOURCES_FILE'))
    faults.push('SOURCES_FILE: embedded mode has no RabbitMQ; set AMQP_URL and REDIS_URL');
  if (embedded && isSet('PARTITIONS') && environment.PARTITIONS !== '1')
    faults.push('PARTITIONS: embedded mode has no RabbitMQ; set AMQP_URL and REDIS_URL');
  for (const [shared, own] of SHARED_LIMITS) {
    if (embedded && isSet(shared) && environment[shared] !== '0')
      faults.push(`${shared}: embedded mode is one process without Redis; set ${own}`);
  }
  if (embedded && isSet('ROLES') && new Set(listOf(environment.ROLES ?? '')).size === 1) {
    faults.push(
      'ROLES: embedded mode is one process with both roles; set AMQP_URL and REDIS_URL to split them',
    );
  }
  return faults;
}

interface TlsVariables {
  /** Authorities, certificate and key. */
  readonly files: readonly [ca: string, certificate: string, key: string];
  readonly address: 'AMQP_URL' | 'REDIS_URL';
  readonly isTls: (address: string) => boolean;
  readonly schemes: string;
}

const TLS_VARIABLES: readonly TlsVariables[] = [
  {
    files: ['AMQP_CA_FILE', 'AMQP_CERT_FILE', 'AMQP_KEY_FILE'],
    address: 'AMQP_URL',
    isTls: isAmqpTls,
    schemes: 'amqps://',
  },
  {
    files: ['REDIS_CA_FILE', 'REDIS_CERT_FILE', 'REDIS_KEY_FILE'],
    address: 'REDIS_URL',
    isTls: isRedisTls,
    schemes: 'rediss:// or rediss+sentinel://',
  },
];

function faultsInTls(environment: Environment): string[] {
  return [...TLS_VARIABLES.flatMap((of) => faultsInFiles(environment, of)), ...faultsInExternal(environment)];
}

function faultsInFiles(environment: Environment, { files, address, isTls, schemes }: TlsVariables): string[] {
  const given = files.filter((name) => (environment[name] ?? '') !== '');
  if (given.length === 0) return [];
  const names = given.join(', ');
  if (!isTls(environment[address] ?? ''))
    return [`${names}: is set while ${address} does not begin with ${schemes}`];
  const [ca, cert, key] = files.map((name) => environment[name]);
  const fault = faultInTlsFiles(tlsFiles(ca, cert, key));
  return fault === undefined ? [] : [`${names}: ${fault}`];
}

function faultsInExternal({ AMQP_URL = '', AMQP_CERT_FILE = '' }: Environment): string[] {
  if (AMQP_CERT_FILE !== '' || AMQP_URL === '' || !isAmqpExternal(AMQP_URL)) return [];
  return ['AMQP_URL: auth_mechanism=external needs the certificate in AMQP_CERT_FILE'];
}
