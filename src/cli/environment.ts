/** What commands take from the environment: where Carillon is, and the token to show. */

import { readConfig } from '../config/config.ts';
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
  return checked('CARILLON_OPS_URL', set(environment.CARILLON_OPS_URL) ?? 'http://localhost:3001');
}

/** Undefined when it is not set. */
export function managementUrlOf(environment: Environment = process.env): string | undefined {
  const url = set(environment.CARILLON_MANAGEMENT_URL);
  return url === undefined ? undefined : checked('CARILLON_MANAGEMENT_URL', url);
}

function checked(name: string, url: string): string {
  const isWeb = URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol);
  // It is not repeated: a password may be in it.
  if (!isWeb) throw Failure.wrongUsage(`${name} must be a URL that begins with http:// or https://`);
  return url.replace(/\/+$/, '');
}

/** The secret that the service checks tokens with; in embedded mode the one that everybody knows. */
function secretOf(environment: Environment = process.env): string | undefined {
  const { JWT_SECRET, JWKS_URL, AMQP_URL, REDIS_URL } = environment;
  if (set(JWT_SECRET) !== undefined) return JWT_SECRET;
  if ([JWKS_URL, AMQP_URL, REDIS_URL].some((value) => set(value) !== undefined)) return undefined;
  const { tokenKey } = readConfig({});
  return 'secret' in tokenKey ? tokenKey.secret : undefined;
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

/** CARILLON_TOKEN, or one that is made for the occasion. */
export async function tokenFor(
  claims: Readonly<Record<string, unknown>>,
  environment: Environment = process.env,
): Promise<string> {
  const token = set(environment.CARILLON_TOKEN);
  if (token !== undefined) return token;
  if (secretOf(environment) === undefined) {
    throw new Failure('no_token', 'set CARILLON_TOKEN, or JWT_SECRET to have a token made');
  }
  return await sign({ sub: 'carillon-cli', ...claims }, LIFETIME_SECONDS, environment);
}
