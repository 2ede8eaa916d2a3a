/**
 * AMQP_URL: the nodes of one RabbitMQ, how to log in, and the virtual host. What amqplib would not understand is refused
 * here, because amqplib leaves it out and connects to another place than was meant.
 *
 * No message repeats a part of the URL: with a character that was not percent-encoded, a password may be anywhere in it.
 */
import { type Fault, faultInPlace, isReadable } from './addresses.ts';
import type { TlsFiles } from './tls-files.ts';

export interface AmqpNode {
  readonly host: string;
  readonly port: number;
}

export interface AmqpAddress {
  readonly isTls: boolean;
  /** At least one. All are of one cluster, so it does not matter which is connected to. */
  readonly nodes: readonly AmqpNode[];
  /** The certificate says who the user is: `auth_mechanism=external`. */
  readonly isExternal: boolean;
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
  readonly parameters: AmqpParameters;
  /** Counts only with TLS. */
  readonly tls?: TlsFiles;
  /** Whether Carillon declares there what it needs; otherwise it waits until somebody else has. */
  readonly declares: boolean;
}

/** Of amqplib's; undefined where amqplib decides. */
interface AmqpParameters {
  readonly heartbeat: number | undefined;
  readonly channelMax: number | undefined;
  readonly frameMax: number | undefined;
  readonly maxFrameSize: number | undefined;
  readonly locale: string | undefined;
}

const FORM = 'must be a URL, or URLs with commas, that begin with amqp:// or amqps://';

const HOSTS =
  'must name one host a URL: several nodes are whole URLs with commas, as in amqp://a:5672,amqp://b:5672';

const VHOST =
  'behind the host comes the name of a virtual host, percent-encoded: a slash in it, or in a password, is written %2F';

/** The least that each number may be, if it is not 0. */
const NUMBERS: Readonly<Record<string, number>> = {
  heartbeat: 0,
  channelMax: 0,
  frameMax: 4_096,
  maxFrameSize: 4_096,
};

const PARAMETERS = [...Object.keys(NUMBERS), 'locale', 'auth_mechanism'];

const MECHANISMS = ['plain', 'external'];

const [PORT, TLS_PORT] = [5_672, 5_671];

/** What RabbitMQ itself creates, and lets in from its own machine. */
const DEFAULT_LOGIN = 'guest';

/** `value` MUST have no fault. */
export function amqpAddressOf(value: string, tls: TlsFiles = {}): AmqpAddress {
  const urls = urlsIn(value);
  const [{ protocol, username, password, pathname, searchParams } = new URL(`amqp://${DEFAULT_LOGIN}`)] =
    urls;
  const isTls = protocol === 'amqps:';
  const isExternal = searchParams.get('auth_mechanism') === 'external';
  const login = username === '' && password === '' && !isExternal ? DEFAULT_LOGIN : undefined;
  const number = (name: string) => (searchParams.has(name) ? Number(searchParams.get(name)) : undefined);
  return {
    isTls,
    nodes: urls.map(({ hostname, port }) => ({
      // An IPv6 address stands in brackets in a URL, and without them in a socket.
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (isTls ? TLS_PORT : PORT) : Number(port),
    })),
    isExternal,
    username: login ?? decodeURIComponent(username),
    password: login ?? decodeURIComponent(password),
    vhost: decodeURIComponent(pathname.slice(1)) || '/',
    parameters: {
      heartbeat: number('heartbeat'),
      channelMax: number('channelMax'),
      frameMax: number('frameMax'),
      maxFrameSize: number('maxFrameSize'),
      locale: searchParams.get('locale') ?? undefined,
    },
    tls,
    declares: true,
  };
}

/** Whether connections to that address use TLS. */
export function isAmqpTls(value: string): boolean {
  return /^amqps:/i.test(value.trim());
}

/** Whether the certificate says who the user is. `value` may have faults. */
export function isAmqpExternal(value: string): boolean {
  return faultInAmqpUrls(value) === undefined && amqpAddressOf(value).isExternal;
}

/** For the log: as AMQP_URL says it, without the password. */
export function amqpPlaceOf({ isTls, nodes, isExternal, username, vhost }: AmqpAddress): string {
  const login = isExternal ? '' : `${encodeURIComponent(username)}:***@`;
  const hosts = nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`);
  const scheme = isTls ? 'amqps' : 'amqp';
  const [first, ...others] = hosts;
  const path = vhost === '/' ? '' : `/${encodeURIComponent(vhost)}`;
  return [
    `${scheme}://${login}${first}${path}`,
    ...others.map((host) => `${scheme}://${host}${path}`),
  ].join();
}

export function faultInAmqpUrls(value: string): Fault {
  const faults = partsOf(value).map(faultInAmqpUrl);
  return faults.find((fault) => fault !== undefined) ?? faultBetween(urlsIn(value));
}

/** One user, one virtual host and one way to talk, whichever node it is. */
function faultBetween([first, ...others]: readonly URL[]): Fault {
  if (first === undefined) return FORM;
  if (others.some(({ protocol }) => protocol !== first.protocol))
    return 'all begin with amqps://, or all with amqp://';
  const isOther = (part: (url: URL) => string, none: readonly string[]) =>
    others.map(part).some((text) => !none.includes(text) && text !== part(first));
  if (isOther(({ username, password }) => `${username}:${password}`, [':']))
    return 'all have the user name and the password of the first, or leave them out';
  if (isOther(({ pathname }) => pathname, ['', '/']))
    return 'all have the virtual host of the first, or leave it out';
  return isOther(({ search }) => search, [''])
    ? 'all have the parameters of the first, or leave them out'
    : undefined;
}

function faultInAmqpUrl(text: string): Fault {
  if (!/^amqps?:\/\//i.test(text) || !URL.canParse(text)) return FORM;
  const url = new URL(text);
  if (url.hostname.includes(',')) return HOSTS;
  return faultInPlace(url, 'amqp://host:5672') ?? faultInVhost(url, text) ?? faultInParameters(url);
}

function faultInVhost({ pathname }: URL, text: string): Fault {
  // URLs have these names for the folder itself and the one above, and are shortened by them.
  if (/\/(\.|%2e){1,2}(\?|$)/i.test(text)) return 'a virtual host may not be named . or ..';
  // `//` is what many write for the virtual host `/`, and is taken for it.
  const isVhost = pathname === '//' || /^\/?[^/@]*$/.test(pathname);
  return isVhost && isReadable(pathname) ? undefined : VHOST;
}

function faultInParameters({ searchParams, protocol, username, password }: URL): Fault {
  const names = [...searchParams.keys()];
  if (names.some((name, i) => !PARAMETERS.includes(name) || names.indexOf(name) !== i))
    return `the only parameters are ${PARAMETERS.join(', ')}, each once; a question mark in a password is written %3F`;
  const isNumber = (name: string, least: number) => {
    const number = searchParams.get(name) ?? String(least);
    return /^\d{1,9}$/.test(number) && (Number(number) >= least || number === '0');
  };
  const wrong = Object.entries(NUMBERS).find(([name, least]) => !isNumber(name, least));
  if (wrong !== undefined) return `${wrong[0]} must be a whole number of at least ${wrong[1]}, or 0`;
  const mechanism = searchParams.get('auth_mechanism') ?? 'plain';
  if (!MECHANISMS.includes(mechanism)) return 'auth_mechanism must be plain or external';
  if (mechanism === 'plain') return undefined;
  if (protocol !== 'amqps:') return 'auth_mechanism=external needs a certificate, and so amqps://';
  return username + password === ''
    ? undefined
    : 'with auth_mechanism=external the certificate says who the user is: leave out user name and password';
}

function urlsIn(value: string): readonly URL[] {
  return partsOf(value).map((node) => new URL(node));
}

/** A comma may be part of a password or of a virtual host's name, so it counts before a URL only. */
function partsOf(value: string): readonly string[] {
  return value.split(/,(?=\s*amqps?:\/\/)/i).map((node) => node.trim());
}
