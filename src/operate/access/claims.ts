/**
 * What a verified token says of its bearer. Who it is and how long must be right, or nobody gets in. All else is read one
 * by one: what cannot be used is left out, named, and keeps nobody out. It never gives more than it says.
 */
import type { z } from 'zod';
import { isAdminScope } from '../../contract/admin-scope.ts';
import { audienceIdSchema } from '../../contract/audience.ts';
import { type ClaimNames, claimIn, DEFAULT_CLAIM_NAMES } from '../../contract/claim-names.ts';
import { isJsonObject, type JsonObject } from '../../contract/json.ts';
import {
  audiencePatternSchema,
  claimsSchema,
  type Identity,
  MAX_CLAIMED,
  topicPatternSchema,
} from '../../contract/token.ts';

/** Something that a token says and that is left out. */
export interface Skipped {
  /** The name under which it comes. */
  readonly claim: string;
  /** As it stands in the token. */
  readonly value: unknown;
  /** What would be right. */
  readonly why: string;
}

/** Who it is and how long. */
const bearerSchema = claimsSchema.pick({ sub: true, exp: true, iat: true });

/** Something that a token says, and the name under which it says so. */
interface Claim {
  readonly claim: string;
  readonly value: unknown;
}

interface Bearer extends z.infer<typeof bearerSchema> {
  readonly departments: Claim;
  readonly topics: Claim;
  readonly publish: Claim;
  readonly audiences: Claim;
  readonly scopes: readonly Claim[];
  readonly tokenId: string | undefined;
  readonly scopePrefix: string | undefined;
}

type ReadBearer =
  | { readonly ok: true; readonly bearer: Bearer }
  | { readonly ok: false; readonly fault: string };

/** All of them count. The first is Carillon's own and OAuth's (RFC 8693, RFC 9068); the others are providers'. */
const USUAL_SCOPES = ['scope', 'scp', 'permissions'] as const;

export function readBearer(payload: unknown, names: ClaimNames = DEFAULT_CLAIM_NAMES): ReadBearer {
  if (!isJsonObject(payload)) return { ok: false, fault: 'the claims are no object' };
  const claim = (name: string): Claim => ({ claim: name, value: claimIn(payload, name) });
  const user = userIn(payload, names.user);
  if (user === undefined && names.user !== 'sub')
    return { ok: false, fault: `claim ${names.user} is missing` };
  const { value: exp } = claim('exp');
  const { value: iat } = claim('iat');
  const { value: jti } = claim('jti');
  const result = bearerSchema.safeParse({ sub: user, exp, iat });
  if (!result.success) {
    const [issue] = result.error.issues;
    const name = issue?.path[0] === 'sub' ? names.user : issue?.path.join('.');
    return { ok: false, fault: `claim ${name}: ${issue?.message}` };
  }
  const bearer = {
    ...result.data,
    departments: claim(names.departments),
    topics: claim(names.topics),
    publish: claim('publish'),
    audiences: claim('audiences'),
    scopes: (names.scope === undefined ? USUAL_SCOPES : [names.scope]).map(claim),
    scopePrefix: names.scopePrefix,
    tokenId: typeof jti === 'string' && jti !== '' ? jti.slice(0, MAX_TOKEN_ID) : undefined,
  };
  return { ok: true, bearer };
}

/** A subject is text (RFC 7519). Other claims may hold a database's number. */
function userIn(payload: JsonObject, name: string): unknown {
  const user = claimIn(payload, name);
  return name !== 'sub' && Number.isSafeInteger(user) ? String(user) : user;
}

/** Sessions keep their identity, and most claims of most tokens are empty. */
const NONE: readonly string[] = Object.freeze([]);

export function identityOf(bearer: Bearer): {
  readonly identity: Identity;
  readonly skipped: readonly Skipped[];
} {
  const { sub, exp, iat, tokenId } = bearer;
  const skipped: Skipped[] = [];
  const identity: Identity = {
    user: sub,
    departments: listIn(bearer.departments, audienceIdSchema, skipped) ?? NONE,
    topics: listIn(bearer.topics, topicPatternSchema, skipped) ?? NONE,
    publish: listIn(bearer.publish, topicPatternSchema, skipped) ?? NONE,
    scopes: scopesIn(bearer, skipped),
    // The claim is a limit. When no entry of it is usable, nothing is allowed; without the claim, everything is.
    audiences: listIn(bearer.audiences, audiencePatternSchema, skipped),
    issuedAtMs: iat === undefined ? Number.NEGATIVE_INFINITY : iat * 1000,
    expiresAtMs: exp * 1000,
    ...(tokenId === undefined ? {} : { tokenId }),
  };
  return { identity, skipped };
}

/** Each once, and no more than so many. Text is a list with commas; undefined when the claim is not there. */
function listIn(
  { claim, value: claimed }: Claim,
  schema: z.ZodType<string>,
  skipped: Skipped[],
): readonly string[] | undefined {
  if (claimed === undefined) return undefined;
  const usable = new Set<string>();
  for (const value of entriesOf(claimed)) {
    const read = schema.safeParse(Number.isSafeInteger(value) ? String(value) : value);
    if (!read.success) skipped.push({ claim, value, why: read.error.issues[0]?.message ?? '' });
    else if (usable.has(read.data)) continue;
    else if (usable.size < MAX_CLAIMED) usable.add(read.data);
    else skipped.push({ claim, value, why: `a token may claim ${MAX_CLAIMED} of them` });
  }
  return [...usable];
}

/** No id has a comma, so that one in a text can only stand between two. */
function entriesOf(claimed: unknown): readonly unknown[] {
  if (Array.isArray(claimed)) return claimed;
  if (typeof claimed !== 'string') return [claimed];
  return claimed.split(',').flatMap((part) => part.trim() || []);
}

function scopesIn({ scopes, scopePrefix = '' }: Bearer, skipped: Skipped[]): readonly string[] {
  const words = new Set<string>();
  // Whoever runs Carillon has said which words are meant for it.
  const isChosen = scopes.length === 1 || scopePrefix !== '';
  for (const { claim, value } of scopes) {
    for (const written of wordsIn(claim, value, skipped)) {
      if (!written.startsWith(scopePrefix)) continue;
      const word = written.slice(scopePrefix.length);
      // In a claim that nobody named it may be a right to something else altogether.
      if (!isAdminScope(word) || isChosen || claim === 'scope') words.add(word);
      else skipped.push({ claim, value: written, why: `${word} ${IN_SCOPE_ALONE}` });
    }
  }
  return [...words];
}

const IN_SCOPE_ALONE = 'counts in the claim scope alone, unless JWT_CLAIM_SCOPE or JWT_SCOPE_PREFIX is set';

/** A token's id is shown, never compared: of one that is longer this much is enough to find it. */
const MAX_TOKEN_ID = 256;

/** Words with spaces between them (RFC 8693), or a list of words. */
function wordsIn(claim: string, value: unknown, skipped: Skipped[]): readonly string[] {
  if (value === undefined) return [];
  if (typeof value === 'string') return value.split(' ').filter((word) => word !== '');
  return (Array.isArray(value) ? value : [value]).filter((word) => {
    if (typeof word === 'string') return true;
    skipped.push({ claim, value: word, why: 'must be a word, or words with spaces between them' });
    return false;
  });
}
