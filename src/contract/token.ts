/** What a token says of its bearer, and how verifying one answers. */
import { z } from 'zod';
import { type Audience, audienceIdSchema, isOwnTopic, normalisedText } from './audience.ts';
import { faultOfId } from './id.ts';

/** Of departments, and of patterns of each kind, that one token may claim. */
export const MAX_CLAIMED = 100;

/** A pattern of topics: an id, in which `*` stands for any run of characters. */
export const topicPatternSchema = normalisedText(faultOfTopicPattern);

function faultOfTopicPattern(text: string): string | undefined {
  return (
    faultOfId(text) ?? (text.includes('#') ? 'a pattern has no #: * stands for any characters' : undefined)
  );
}

/** A pattern of audiences: `topic:ticker.*`, `user:*`, `global`. In an id `*` always stands for any run of characters. */
export const audiencePatternSchema = normalisedText(faultOfAudiencePattern);

function faultOfAudiencePattern(text: string): string | undefined {
  if (text === 'global' || text === '*') return undefined;
  const kind = /^(?:user|department|topic):/.exec(text)?.[0];
  if (kind === undefined) return 'must be global, * or a kind of audience with a pattern: topic:ticker.*';
  const pattern = text.slice(kind.length);
  return kind === 'topic:' ? faultOfTopicPattern(pattern) : faultOfId(pattern);
}

/** A word, of which several may stand in a string with spaces between them. */
const scopeSchema = z.union([z.string(), z.array(z.string())]);

export const claimsSchema = z.object({
  sub: audienceIdSchema.describe('The user.'),
  exp: z.number().max(8_640_000_000_000).describe('Required: a socket does not outlive its token.'),
  iat: z
    .number()
    .max(8_640_000_000_000)
    .optional()
    .describe('When it was issued. Without it a token counts as older than any revocation.'),
  departments: z.array(audienceIdSchema).max(MAX_CLAIMED).default([]),
  topics: z
    .array(topicPatternSchema)
    .max(MAX_CLAIMED)
    .default([])
    .describe('Topics that may be subscribed to.'),
  publish: z
    .array(topicPatternSchema)
    .max(MAX_CLAIMED)
    .default([])
    .describe('Topics that may be published to.'),
  scope: scopeSchema
    .default('')
    .describe('Words with spaces between them, or a list of words: events:write, admin, admin:read …'),
  audiences: z
    .array(audiencePatternSchema)
    .max(MAX_CLAIMED)
    .optional()
    .describe('With events:write: the only audiences that may be published to. Left out: any.'),
});

/** A secret that signs and verifies tokens. */
export interface TokenSecret {
  /** The `kid` in the header of its tokens; undefined: they have none. */
  readonly kid?: string | undefined;
  readonly secret: string;
}

/** Who somebody is, from a token that was verified. */
export interface Identity {
  readonly user: string;
  readonly departments: readonly string[];
  readonly topics: readonly string[];
  readonly publish: readonly string[];
  readonly scopes: readonly string[];
  /** Patterns of the audiences that may be published to over HTTP; undefined: any. */
  readonly audiences: readonly string[] | undefined;
  /** Since 1970; -Infinity, older than any revocation, when the token does not say. */
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** The token's `jti`, at most 256 characters of it. @default it has none */
  readonly tokenId?: string;
}

/** The audiences whose inbox is the user's: not topics, which are only heard while subscribed to. */
export function audiencesOfIdentity({ user, departments }: Identity): readonly Audience[] {
  // Each session keeps its own. A literal takes the memory of its two entries, and a spread that of seventeen.
  if (departments.length === 0) return [`user:${user}`, 'global'];
  return [`user:${user}`, ...departments.map((department) => `department:${department}` as const), 'global'];
}

/**
 * Why a token does not let its bearer in: it is not valid, or whether it is cannot be said now. These two MUST NOT be
 * mixed up: clients throw away a login that is `unauthorized`, and come again later after `unavailable`.
 */
type TokenRefusalCode = 'unauthorized' | 'unavailable';

/** The reason is for the log. A client gets the code, and `detail` of a token that was signed as it should be. */
export type Verified =
  | { readonly ok: true; readonly identity: Identity }
  | {
      readonly ok: false;
      readonly code: TokenRefusalCode;
      readonly reason: string;
      /** Which claim cannot be used, and what would be right. */
      readonly detail?: string;
    };

export const noToken: Verified = { ok: false, code: 'unauthorized', reason: 'no token' };

export type Verify = (token: string) => Promise<Verified>;

/** True when one of the patterns covers the name: `ticker.*` covers `ticker.btc-usd`, `user:*` covers `user:42`. */
export function matchesAny(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => {
    const [start = '', ...rest] = pattern.split('*');
    const end = rest.pop();
    if (end === undefined) return pattern === name;
    if (!name.startsWith(start) || !name.endsWith(end) || name.length < start.length + end.length)
      return false;
    let at = start.length;
    for (const part of rest) {
      const found = name.indexOf(part, at);
      if (found === -1) return false;
      at = found + part.length;
    }
    return at <= name.length - end.length;
  });
}

/** True when a token with these patterns allows the topic. Carillon's own are nobody's, not even those of `*`. */
export function allowsTopic(patterns: readonly string[], topic: string): boolean {
  return !isOwnTopic(topic) && matchesAny(patterns, topic);
}
