/**
 * REDIS_URL: one Redis, the nodes of a Cluster, or Sentinels that know the primary. What ioredis would not understand is
 * refused here, because ioredis leaves it out and connects to another place than was meant.
 *
 * No message repeats a part of the URL: with a character that was not percent-encoded, a password may be anywhere in it.
 */
import { type Fault, faultInPlace } from './addresses.ts';
import type { TlsFiles } from './tls-files.ts';

interface Login {
  readonly username?: string;
  readonly password?: string;
}

export interface SentinelAddress {
  readonly kind: 'sentinel';
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  /** The name under which the Sentinels know the primary and its replicas. */
  readonly primary: string;
  readonly database: number;
  readonly login: Login;
  readonly sentinelLogin: Login;
  /** On the connections to Sentinels and to Redis alike. */
  readonly isTls: boolean;
}

/** Where Redis is. `tls` counts only where the URL asks for TLS. */
export type RedisAddress = { readonly tls?: TlsFiles } & (
  | { readonly kind: 'standalone'; readonly url: string }
  | { readonly kind: 'cluster'; readonly urls: readonly string[] }
  | SentinelAddress
);

const FORM =
  'must be a URL, or URLs with commas, that begin with redis:// or rediss://, or one that begins with redis+sentinel:// or rediss+sentinel:// (Unix sockets are not supported)';

const SENTINEL_FORM =
  'must be redis+sentinel://user:password@host:26379,host:26379/name/0: the name of the primary comes behind the Sentinels, then the number of a database or nothing; a slash in a password is written %2F';

/** What ioredis takes from a query and means here what it says; anything else would change how it works. */
const PARAMETERS = ['db', 'family', 'username', 'password'];

const SENTINEL_PARAMETERS = ['sentinelUsername', 'sentinelPassword'];

const SENTINEL_PORT = 26_379;

const SENTINEL = /^rediss?\+sentinel:\/\//i;

const SENTINEL_PARTS =
  /^(?<scheme>rediss?)\+sentinel:\/\/(?:(?<login>[^@/?]*)@)?(?<hosts>[^@/?]+)\/(?<primary>[\w.-]+)(?:\/(?<database>\d{1,6})?)?(?:\?(?<query>.*))?$/i;

/** `value` MUST have no fault. `isCluster`: one URL is the entry to a Cluster. */
export function redisAddressOf(value: string, isCluster: boolean): RedisAddress {
  if (SENTINEL.test(value)) return sentinelAddressOf(value);
  // ioredis knows `rediss:` in small letters only.
  const [first = '', ...others] = value.split(',').map((node) => new URL(node.trim()).href);
  if (isCluster || others.length > 0) return { kind: 'cluster', urls: [first, ...others] };
  return { kind: 'standalone', url: first };
}

/** Whether connections to that address use TLS. */
export function isRedisTls(value: string): boolean {
  return /^rediss/i.test(value.trim());
}

export function faultInRedisUrls(value: string): Fault {
  if (SENTINEL.test(value)) return faultInSentinelUrl(value);
  const nodes = value.split(',').map((node) => node.trim());
  const faults = nodes.map(faultInRedisUrl).filter((fault) => fault !== undefined);
  return faults[0] ?? (nodes.length > 1 ? faultInCluster(value) : undefined);
}

/** For URLs that have no fault of their own. */
export function faultInCluster(value: string): Fault {
  if (SENTINEL.test(value)) return 'Sentinels lead to one primary and no Cluster';
  const [first, ...others] = value.split(',').map((node) => new URL(node.trim()));
  if (first === undefined) return FORM;
  const nodes = [first, ...others];
  if (nodes.some(({ search }) => search !== '')) return 'a Cluster takes no parameters';
  if (nodes.some((node) => databaseIn(node) !== 0)) return 'a Cluster has the database 0 only';
  if (others.some(({ protocol }) => protocol !== first.protocol))
    return 'all begin with rediss://, or all with redis://: one set of connections leads to all nodes';
  const isOther = ({ username, password }: URL) =>
    (username !== '' || password !== '') && (username !== first.username || password !== first.password);
  return others.some(isOther)
    ? 'all have the user name and the password of the first, or leave them out'
    : undefined;
}

function faultInRedisUrl(text: string): Fault {
  if (!/^rediss?:\/\//i.test(text) || !URL.canParse(text)) return FORM;
  const url = new URL(text);
  const { searchParams, username, password } = url;
  const fault = faultInPlace(url, 'redis://host:6379/0');
  if (fault !== undefined) return fault;
  if (!/^\/?$|^\/\d{1,6}$/.test(url.pathname))
    return 'behind the host comes the number of a database or nothing, as in redis://host:6379/2; a slash in a password is written %2F';
  const parametersFault = faultInParameters(searchParams, PARAMETERS);
  if (parametersFault !== undefined) return parametersFault;
  const [db, family] = [searchParams.get('db'), searchParams.get('family')];
  if (db !== null && (!/^\d{1,6}$/.test(db) || url.pathname.length > 1))
    return 'db must be the number of a database, and the URL then has none behind the host';
  if (family !== null && !['0', '4', '6'].includes(family)) return 'family must be 0, 4 or 6';
  const isTwice =
    (searchParams.has('username') || searchParams.has('password')) && username + password !== '';
  if (isTwice) return 'user name and password are there twice';
  return faultInLogin(
    searchParams.get('username') ?? username,
    searchParams.get('password') ?? password,
    'redis://:password@host',
  );
}

function faultInSentinelUrl(text: string): Fault {
  const { login = '', hosts = '', query = '' } = SENTINEL_PARTS.exec(text)?.groups ?? {};
  if (hosts === '') return SENTINEL_FORM;
  const [first = '', ...others] = hosts.split(',').map((host) => `redis://${host.trim()}`);
  const nodes = [first.replace('//', `//${login}${login === '' ? '' : '@'}`), ...others];
  for (const node of nodes) {
    if (!URL.canParse(node)) return SENTINEL_FORM;
    const url = new URL(node);
    const fault = faultInPlace(url, 'redis+sentinel://host:26379/name');
    if (fault !== undefined) return fault;
  }
  const parameters = new URLSearchParams(query);
  const { username, password } = new URL(nodes[0] ?? '');
  return (
    faultInParameters(parameters, SENTINEL_PARAMETERS) ??
    faultInLogin(username, password, 'redis+sentinel://:password@host') ??
    faultInLogin(
      parameters.get('sentinelUsername') ?? '',
      parameters.get('sentinelPassword') ?? '',
      'sentinelPassword=password',
    )
  );
}

function sentinelAddressOf(value: string): SentinelAddress {
  const groups = SENTINEL_PARTS.exec(value)?.groups ?? {};
  const { scheme = '', login = '', hosts = '', primary = '', database = '0', query } = groups;
  const { username, password } = new URL(`redis://${login}${login === '' ? '' : '@'}host`);
  const parameters = new URLSearchParams(query);
  return {
    kind: 'sentinel',
    sentinels: hosts.split(',').map((host) => {
      const { hostname, port } = new URL(`redis://${host.trim()}`);
      // An IPv6 address stands in brackets in a URL, and without them in a socket.
      return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? SENTINEL_PORT : Number(port) };
    }),
    primary,
    database: Number(database),
    login: loginOf(decodeURIComponent(username), decodeURIComponent(password)),
    sentinelLogin: loginOf(
      parameters.get('sentinelUsername') ?? '',
      parameters.get('sentinelPassword') ?? '',
    ),
    isTls: scheme.toLowerCase() === 'rediss',
  };
}

function loginOf(username: string, password: string): Login {
  return { ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) };
}

function faultInParameters(given: URLSearchParams, known: readonly string[]): Fault {
  const names = [...given.keys()];
  return names.some((name, i) => !known.includes(name) || names.indexOf(name) !== i)
    ? `the only parameters are ${known.join(', ')}, each once; a question mark in a password is written %3F`
    : undefined;
}

/** ioredis would go on without either. */
function faultInLogin(username: string, password: string, form: string): Fault {
  return username !== '' && password === ''
    ? `names a user without a password; a password alone is written ${form}`
    : undefined;
}

function databaseIn({ pathname }: URL): number {
  return Number(pathname.slice(1));
}
