/** What commands read from the environment: Carillon's addresses and partitions, and the token to send. */
import { z } from 'zod';
import { type Partitioning, partitioningOf } from '../adapters/rabbitmq/names.ts';
import { type AmqpAddress, amqpAddressOf, faultInAmqpUrls, isAmqpTls } from '../config/amqp-address.ts';
import { readConfig } from '../config/config.ts';
import { partitionVariables } from '../config/partition-variables.ts';
import { faultInTlsFiles, tlsFiles } from '../config/tls-files.ts';
import { type Secret, secretsIn } from '../config/token-secrets.ts';
import { claimNamesIn } from '../config/token-variables.ts';
import { namedAs } from '../contract/claim-names.ts';
import { signToken } from '../operate/access/tokens.ts';
import { Failure } from './failure.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const set = (value: string | undefined) => (value === '' ? undefined : value);

export function urlOf(option: string | undefined, environment: Environment = process.env): string {
  return checked('CARILLON_URL or --url', option ?? set(environment.CARILLON_URL) ?? 'http://localhost:3000');
}

export function opsUrlOf(environment: Environment = process.env): string {
  const name = 'CARILLON_OPS_URL';
  return withoutLogin(name, checked(name, set(environment[name]) ?? 'http://localhost:3001'));
}

/** Undefined when it is not set. It may hold a user name and a password. */
export function managementUrlOf(environment: Environment = process.env): string | undefined {
  const name = 'CARILLON_MANAGEMENT_URL';
  const url = set(environment[name]);
  if (url === undefined) return undefined;
  const checkedUrl = checked(name, url);
  const { username, password } = new URL(checkedUrl);
  if (!isPercentEncoded(`${username}${password}`)) {
    throw Failure.wrongUsage(`${name}: user name and password must be percent-encoded UTF-8`);
  }
  return checkedUrl;
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return false;
  }
}

/**
 * `fetch` refuses a URL that holds a user name or a password, in a message that repeats it.
 *
 * @throws {Failure} with a message that does not
 */
export function withoutLogin(name: string, url: string): string {
  const { username, password } = new URL(url);
  if (username + password === '') return url;
  throw Failure.wrongUsage(`${name} must hold no user name or password`);
}

function checked(name: string, url: string): string {
  // No message repeats the URL: it may hold a password.
  if (!URL.canParse(url) || !['http:', 'https:'].includes(new URL(url).protocol)) {
    throw Failure.wrongUsage(`${name} must be a URL that begins with http:// or https://`);
  }
  return url.replace(/\/+$/, '');
}

/** RabbitMQ's, with the certificates of the environment. */
export function amqpAddressFor(url: string, environment: Environment = process.env): AmqpAddress {
  const fault = faultInAmqpUrls(url);
  if (fault !== undefined) throw Failure.wrongUsage(`the address of RabbitMQ: ${fault}`);
  if (!isAmqpTls(url)) return amqpAddressOf(url);
  const { AMQP_CA_FILE, AMQP_CERT_FILE, AMQP_KEY_FILE } = environment;
  const files = tlsFiles(AMQP_CA_FILE, AMQP_CERT_FILE, AMQP_KEY_FILE);
  const faultInFiles = faultInTlsFiles(files);
  if (faultInFiles !== undefined)
    throw Failure.wrongUsage(`AMQP_CA_FILE, AMQP_CERT_FILE, AMQP_KEY_FILE: ${faultInFiles}`);
  return amqpAddressOf(url, files);
}

/** @throws {Failure} when one of the variables is malformed */
export function partitioningFor(environment: Environment = process.env): Partitioning {
  const { data, error } = z.object(partitionVariables).safeParse(environment);
  if (error !== undefined)
    throw Failure.wrongUsage(
      error.issues.map(({ path, message }) => `${String(path[0])}: ${message}`).join('; '),
    );
  return partitioningOf(data);
}

/** The first of the secrets that the service verifies tokens with; in embedded mode it is public. */
function secretOf(environment: Environment = process.env): Secret | undefined {
  const { JWT_SECRET, JWKS_URL, AMQP_URL, REDIS_URL } = environment;
  const given = set(JWT_SECRET);
  if (given !== undefined) return secretsIn(given)[0];
  if ([JWKS_URL, AMQP_URL, REDIS_URL].some((value) => set(value) !== undefined)) return undefined;
  return readConfig({}).tokenKeys.secrets[0];
}

export async function sign(
  claims: Readonly<Record<string, unknown>>,
  seconds: number,
  environment: Environment = process.env,
): Promise<string> {
  const secret = secretOf(environment);
  if (secret === undefined) {
    throw new Failure('no_secret', 'JWT_SECRET is not set: nothing can be signed here');
  }
  const [issuer, audience] = [set(environment.JWT_ISSUER), set(environment.JWT_AUDIENCE)];
  const names = claimNamesIn(environment);
  if (names === undefined) {
    throw Failure.wrongUsage('JWT_CLAIM_… or JWT_SCOPE_PREFIX is malformed: carillon doctor says why');
  }
  const all = {
    ...namedAs(claims, names),
    ...(issuer === undefined ? {} : { iss: issuer }),
    ...(audience === undefined ? {} : { aud: audience }),
  };
  return await signToken(secret, all, seconds);
}

const LIFETIME_SECONDS = 300;

/** CARILLON_TOKEN, or a token that is signed for this command. */
export async function tokenFor(
  claims: Readonly<Record<string, unknown>>,
  environment: Environment = process.env,
): Promise<string> {
  const token = set(environment.CARILLON_TOKEN)?.trim();
  if (token !== undefined) {
    // `fetch` refuses a line end in a header, with a message that repeats the token.
    if (/^[\w.~+/=-]+$/.test(token)) return token;
    throw Failure.wrongUsage('CARILLON_TOKEN is no token: those are of A-Z a-z 0-9 - . _ ~ + / = only');
  }
  if (secretOf(environment) === undefined) {
    throw new Failure('no_token', 'set CARILLON_TOKEN, or JWT_SECRET to have a token made');
  }
  return await sign({ sub: 'carillon-cli', ...claims }, LIFETIME_SECONDS, environment);
}
