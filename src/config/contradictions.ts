/** What is wrong between variables, while each may be right by itself. */
import { listOf } from './kinds.ts';
import { faultInCluster, faultInRedisUrls, isRedisTls } from './redis-address.ts';
import { faultInTlsFiles, tlsFiles } from './tls-files.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

/** Asked of the raw ones, so that all faults are told at once. */
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
  if (isSet('JWT_SECRET') && isSet('JWKS_URL'))
    faults.push('JWT_SECRET, JWKS_URL: set one of them, not both');
  if (!embedded && !isSet('JWT_SECRET') && !isSet('JWKS_URL')) {
    faults.push(
      'JWT_SECRET or JWKS_URL: one of them is required outside embedded mode; make a secret with: openssl rand -hex 32',
    );
  }
  if (embedded && isSet('HOST') && !LOOPBACK.includes(environment.HOST ?? '')) {
    faults.push(
      `HOST: embedded mode hands out tokens to anybody who asks, so it stays on ${LOOPBACK.join(', ')}`,
    );
  }
  if (embedded && isSet('SOURCES_FILE'))
    faults.push('SOURCES_FILE: embedded mode has no RabbitMQ; set AMQP_URL and REDIS_URL');
  if (embedded && isSet('ROLES') && new Set(listOf(environment.ROLES ?? '')).size === 1) {
    faults.push(
      'ROLES: embedded mode is one process with both roles; set AMQP_URL and REDIS_URL to split them',
    );
  }
  return faults;
}

const REDIS_FILES = ['REDIS_CA_FILE', 'REDIS_CERT_FILE', 'REDIS_KEY_FILE'] as const;

function faultsInTls(environment: Environment): string[] {
  const given = REDIS_FILES.filter((name) => (environment[name] ?? '') !== '');
  if (given.length === 0) return [];
  const names = given.join(', ');
  if (!isRedisTls(environment.REDIS_URL ?? ''))
    return [`${names}: is set while REDIS_URL does not begin with rediss:// or rediss+sentinel://`];
  const [ca, cert, key] = REDIS_FILES.map((name) => environment[name]);
  const fault = faultInTlsFiles(tlsFiles(ca, cert, key));
  return fault === undefined ? [] : [`${names}: ${fault}`];
}
