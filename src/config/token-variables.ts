/** The variables about tokens: who signs them, what they must say, and under which names their claims come. */
import { z } from 'zod';
import { faultInJwksUrl } from './addresses.ts';
import { address, integer, text } from './kinds.ts';
import { faultInSecrets } from './token-secrets.ts';

const MAX_NAME = 256;
/** Segments of a path: each may be looked for in more than one way. */
const MAX_SEGMENTS = 12;
/** They say when and for whom a token is: as a user or a right, the same for everybody. */
const OTHERWISE_USED = ['exp', 'nbf', 'iat', 'jti', 'iss', 'aud'];

/** What is wrong with the name of a claim; undefined when nothing is. */
function faultInClaimName(name: string): string | undefined {
  if (name.length > MAX_NAME) return `must be at most ${MAX_NAME} characters`;
  // No control character, no space at an end, no list.
  if (!/^[^\s\p{C},]+( +[^\s\p{C},]+)*$/u.test(name)) {
    return 'must be the name of one claim, without commas, control characters and spaces at its ends';
  }
  if (OTHERWISE_USED.includes(name)) return `${name} says something else of a token`;
  const segments = name.split('.');
  if (segments.includes('') && !name.includes('/'))
    return 'a path has a name before and after each dot: realm_access.roles';
  return segments.length > MAX_SEGMENTS ? `must have fewer than ${MAX_SEGMENTS} dots` : undefined;
}

const claimName = address(faultInClaimName);

export const tokenVariables = {
  JWT_SECRET: address(faultInSecrets).describe(
    'Verifies tokens with HS256. Several while one replaces another: `new,old`, or `kid:new,old`.',
  ),
  JWKS_URL: address(faultInJwksUrl).describe(
    'Verifies tokens with the RS256, PS256, ES256 or EdDSA keys at this URL. This, JWT_SECRET or both.',
  ),
  JWT_ISSUER: text.describe('Tokens must have this iss.'),
  JWT_AUDIENCE: text.describe('Tokens must have this aud.'),
  JWT_CLAIM_USER: claimName
    .transform((name) => name ?? 'sub')
    .describe('The claim that says who the user is: a name, a path (`ext.id`) or a URL.'),
  JWT_CLAIM_DEPARTMENTS: claimName
    .transform((name) => name ?? 'departments')
    .describe("The claim with the user's departments: a name, a path (`realm_access.roles`) or a URL."),
  JWT_CLAIM_TOPICS: claimName
    .transform((name) => name ?? 'topics')
    .describe('The claim with the topics that may be subscribed to.'),
  JWT_CLAIM_SCOPE: claimName.describe(
    'The only claim that scopes are read from. Default: scope, and scp and permissions for all but `admin…`.',
  ),
  JWT_SCOPE_PREFIX: text
    .refine((value) => value === undefined || /^\S{1,256}$/.test(value), 'must be a word without spaces')
    .describe(
      'Only scopes that begin with this count, without it: `carillon/` makes carillon/admin `admin`.',
    ),
  JWT_CLOCK_SKEW_SECONDS: integer(5, 0, 30).describe(
    'Seconds by which clocks may differ when exp, nbf and iat are checked.',
  ),
  JWT_MAX_DAYS: integer(366, 1, 36_500).describe(
    'Longest life of a token, from iat (else from now) to exp; revocations are kept for as long.',
  ),
};

const claimVariables = z.object(tokenVariables).pick({
  JWT_CLAIM_USER: true,
  JWT_CLAIM_DEPARTMENTS: true,
  JWT_CLAIM_TOPICS: true,
  JWT_CLAIM_SCOPE: true,
  JWT_SCOPE_PREFIX: true,
});

/** Of variables that are in order. */
export function claimNamesOf(variables: z.infer<typeof claimVariables>) {
  return {
    user: variables.JWT_CLAIM_USER,
    departments: variables.JWT_CLAIM_DEPARTMENTS,
    topics: variables.JWT_CLAIM_TOPICS,
    scope: variables.JWT_CLAIM_SCOPE,
    scopePrefix: variables.JWT_SCOPE_PREFIX,
  };
}

/** Of an environment, of which nothing else is looked at; undefined when these variables are not in order. */
export function claimNamesIn(environment: Readonly<Record<string, string | undefined>>) {
  const read = claimVariables.safeParse(environment);
  return read.success ? claimNamesOf(read.data) : undefined;
}
