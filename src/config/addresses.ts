/**
 * Addresses of other services: whether each part of a URL is one that the driver takes for what it is. The drivers are
 * lenient: what they do not understand they leave out, and then a connection leads to another place than was meant.
 *
 * No message repeats a part of the URL: with a character that was not percent-encoded, a password may be anywhere in it.
 */

/** Undefined: nothing is wrong with it. */
type Fault = string | undefined;

const REDIS_FORM =
  'must be a URL, or URLs with commas, that begin with redis:// or rediss:// (Sentinel and Unix sockets are not supported)';
const AMQP_FORM = 'must be a URL that begins with amqp:// or amqps://';

/** What ioredis takes from a query and means here what it says; anything else would change how it works. */
const REDIS_PARAMETERS = ['db', 'family', 'username', 'password'];

/** Of amqplib's, with the least that each may be. */
const AMQP_NUMBERS: Readonly<Record<string, number>> = {
  heartbeat: 0,
  channelMax: 0,
  frameMax: 4_096,
  maxFrameSize: 4_096,
};

/** The URLs of REDIS_URL, as ioredis reads them: it knows `rediss:` in small letters only. */
export function redisUrlsIn(value: string): readonly string[] {
  return value.split(',').map((node) => new URL(node.trim()).href);
}

export function faultInRedisUrls(value: string): Fault {
  const nodes = value.split(',').map((node) => node.trim());
  const faults = nodes.map(faultInRedisUrl).filter((fault) => fault !== undefined);
  return faults[0] ?? (nodes.length > 1 ? faultInCluster(value) : undefined);
}

/** For URLs that have no fault of their own. */
export function faultInCluster(value: string): Fault {
  const [first, ...others] = value.split(',').map((node) => new URL(node.trim()));
  if (first === undefined) return REDIS_FORM;
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
  if (!/^rediss?:\/\//i.test(text) || !URL.canParse(text)) return REDIS_FORM;
  const url = new URL(text);
  const { searchParams, username, password } = url;
  const fault = faultInPlace(url, 'redis://host:6379/0');
  if (fault !== undefined) return fault;
  if (!/^\/?$|^\/\d{1,6}$/.test(url.pathname))
    return 'behind the host comes the number of a database or nothing, as in redis://host:6379/2; a slash in a password is written %2F';
  const names = [...searchParams.keys()];
  if (names.some((name, i) => !REDIS_PARAMETERS.includes(name) || names.indexOf(name) !== i))
    return `the only parameters are ${REDIS_PARAMETERS.join(', ')}, each once; a question mark in a password is written %3F`;
  const [db, family] = [searchParams.get('db'), searchParams.get('family')];
  if (db !== null && (!/^\d{1,6}$/.test(db) || url.pathname.length > 1))
    return 'db must be the number of a database, and the URL then has none behind the host';
  if (family !== null && !['0', '4', '6'].includes(family)) return 'family must be 0, 4 or 6';
  const isTwice =
    (searchParams.has('username') || searchParams.has('password')) && username + password !== '';
  if (isTwice) return 'user name and password are there twice';
  // ioredis would go on without either.
  if ((searchParams.get('username') ?? username) !== '' && (searchParams.get('password') ?? password) === '')
    return 'names a user without a password; a password alone is written redis://:password@host';
  return undefined;
}

function databaseIn({ pathname }: URL): number {
  return Number(pathname.slice(1));
}

export function faultInAmqpUrl(text: string): Fault {
  if (!/^amqps?:\/\//i.test(text) || !URL.canParse(text)) return AMQP_FORM;
  const url = new URL(text);
  const fault = faultInPlace(url, 'amqp://host:5672');
  if (fault !== undefined) return fault;
  // `//` is what many write for the virtual host `/`, and is taken for it.
  const isVhost = url.pathname === '//' || /^\/?[^/@]*$/.test(url.pathname);
  if (!isVhost || !isReadable(url.pathname))
    return 'behind the host comes the name of a virtual host, percent-encoded: a slash in it, or in a password, is written %2F';
  const names = [...url.searchParams.keys()];
  if (names.some((name, i) => !(name in AMQP_NUMBERS || name === 'locale') || names.indexOf(name) !== i))
    return `the only parameters are ${[...Object.keys(AMQP_NUMBERS), 'locale'].join(', ')}, each once; a question mark in a password is written %3F`;
  const isNumber = (name: string, least: number) => {
    const number = url.searchParams.get(name) ?? String(least);
    return /^\d{1,9}$/.test(number) && (Number(number) >= least || number === '0');
  };
  const wrong = Object.entries(AMQP_NUMBERS).find(([name, least]) => !isNumber(name, least));
  return wrong === undefined ? undefined : `${wrong[0]} must be a whole number of at least ${wrong[1]}, or 0`;
}

export function faultInJwksUrl(text: string): Fault {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    return 'must be a URL that begins with http:// or https://';
  }
  const { username, password } = new URL(text);
  return username + password === '' ? undefined : 'may hold no user name or password: they would not be sent';
}

/** What is alike for all drivers: host, port, name and password. */
function faultInPlace({ hostname, port, hash, username, password }: URL, form: string): Fault {
  if (hash !== '') return 'must hold no #; in a password it is written %23';
  if (hostname === '') return `must name a host, as in ${form}`;
  if (hostname.includes(','))
    return 'must name one address; several nodes stand behind one name or a load balancer';
  if (port === '0') return 'port 0 is none';
  return isReadable(`${username}${password}`)
    ? undefined
    : 'user name and password must be percent-encoded UTF-8';
}

function isReadable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return false;
  }
}

/** An `Origin` is compared letter by letter: what a browser never sends would let nobody in. */
export function faultInOrigins(origins: readonly string[]): Fault {
  if (origins.includes('*')) return origins.length === 1 ? undefined : '* is any origin, and stands alone';
  const isOrigin = (text: string) => {
    if (text === 'null') return true;
    if (/^https?:/i.test(text)) return URL.canParse(text) && new URL(text).origin === text;
    // Of an app or an extension: capacitor://localhost.
    return /^[a-z][a-z\d+.-]*:\/\/[^/?#@\s]+$/.test(text);
  };
  const wrong = origins.find((text) => text.includes('*') || !isOrigin(text));
  return wrong === undefined
    ? undefined
    : `must be origins as browsers send them, https://shop.example or http://host:8080, in small letters, without path and without wildcards; not ${JSON.stringify(wrong)}`;
}
