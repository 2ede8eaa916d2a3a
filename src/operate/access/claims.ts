/**
 * What a verified token says of its bearer. Who it is and how long must be right, or nobody gets in. All else is read one
 * by one: what cannot be used is left out, named, and keeps nobody out. It never gives more than it says.
 */
import { z } from 'zod';
import { audienceIdSchema } from '../../contract/audience.ts';
import {
  audiencePatternSchema,
  claimsSchema,
  type Identity,
  MAX_CLAIMED,
  topicPatternSchema,
} from '../../contract/token.ts';

/** Something that a token says and that is left out. */
export interface Skipped {
  readonly claim: 'departments' | 'topics' | 'publish' | 'audiences' | 'scope';
  /** As it stands in the token. */
  readonly value: unknown;
  /** What would be right. */
  readonly why: string;
}

const bearerSchema = claimsSchema.pick({ sub: true, exp: true, iat: true }).extend({
  departments: z.unknown().optional(),
  topics: z.unknown().optional(),
  publish: z.unknown().optional(),
  audiences: z.unknown().optional(),
  scope: z.unknown().optional(),
});

type Bearer = z.infer<typeof bearerSchema>;

type ReadBearer =
  | { readonly ok: true; readonly bearer: Bearer }
  | { readonly ok: false; readonly fault: string };

export function readBearer(payload: unknown): ReadBearer {
  const result = bearerSchema.safeParse(payload);
  if (result.success) return { ok: true, bearer: result.data };
  const [issue] = result.error.issues;
  return { ok: false, fault: `claim ${issue?.path.join('.')}: ${issue?.message}` };
}

export function identityOf(bearer: Bearer): {
  readonly identity: Identity;
  readonly skipped: readonly Skipped[];
} {
  const { sub, exp, iat } = bearer;
  const skipped: Skipped[] = [];
  const identity: Identity = {
    user: sub,
    departments: listIn(bearer, 'departments', audienceIdSchema, skipped) ?? [],
    topics: listIn(bearer, 'topics', topicPatternSchema, skipped) ?? [],
    publish: listIn(bearer, 'publish', topicPatternSchema, skipped) ?? [],
    scopes: scopesIn(bearer.scope, skipped),
    // The claim is a limit. When no entry of it is usable, nothing is allowed; without the claim, everything is.
    audiences: listIn(bearer, 'audiences', audiencePatternSchema, skipped),
    issuedAtMs: iat === undefined ? Number.NEGATIVE_INFINITY : iat * 1000,
    expiresAtMs: exp * 1000,
  };
  return { identity, skipped };
}

/** Each once, and no more than so many. A text counts as a list of one; undefined when the claim is not there. */
function listIn(
  bearer: Bearer,
  claim: Exclude<Skipped['claim'], 'scope'>,
  schema: z.ZodType<string>,
  skipped: Skipped[],
): readonly string[] | undefined {
  const claimed = bearer[claim];
  if (claimed === undefined) return undefined;
  const usable = new Set<string>();
  for (const value of Array.isArray(claimed) ? claimed : [claimed]) {
    const read = schema.safeParse(Number.isSafeInteger(value) ? String(value) : value);
    if (!read.success) skipped.push({ claim, value, why: read.error.issues[0]?.message ?? '' });
    else if (usable.has(read.data)) continue;
    else if (usable.size < MAX_CLAIMED) usable.add(read.data);
    else skipped.push({ claim, value, why: `a token may claim ${MAX_CLAIMED} of them` });
  }
  return [...usable];
}

/** Words with spaces between them (RFC 8693), or a list of words. */
function scopesIn(scope: unknown, skipped: Skipped[]): readonly string[] {
  if (scope === undefined) return [];
  if (typeof scope === 'string') return scope.split(' ').filter((word) => word !== '');
  return (Array.isArray(scope) ? scope : [scope]).filter((word) => {
    if (typeof word === 'string') return true;
    skipped.push({ claim: 'scope', value: word, why: 'must be a word, or words with spaces between them' });
    return false;
  });
}
