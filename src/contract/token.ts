/** What a token says of its bearer, and how verifying one answers. */
import { z } from 'zod';
import { type Audience, audienceIdSchema } from './audience.ts';

/** A pattern of topics: an id, in which `*` stands for any run of characters. */
const topicPatternSchema = z.string().regex(/^[A-Za-z0-9._~@:+*-]{1,128}$/);

export const claimsSchema = z.object({
  sub: audienceIdSchema.describe('The user.'),
  exp: z.number().max(8_640_000_000_000).describe('Required: a socket does not outlive its token.'),
  departments: z.array(audienceIdSchema).max(100).default([]),
  topics: z.array(topicPatternSchema).max(100).default([]).describe('Topics that may be subscribed to.'),
  publish: z.array(topicPatternSchema).max(100).default([]).describe('Topics that may be published to.'),
  scope: z.string().default('').describe('Words with spaces between them: events:write, admin.'),
});

/** Who somebody is, from a token that was verified. */
export interface Identity {
  readonly user: string;
  readonly departments: readonly string[];
  readonly topics: readonly string[];
  readonly publish: readonly string[];
  readonly scopes: readonly string[];
  readonly expiresAtMs: number;
}

/** The audiences whose inbox is the user's: not topics, which are only heard while subscribed to. */
export function audiencesOfIdentity({ user, departments }: Identity): readonly Audience[] {
  return [`user:${user}`, ...departments.map((department) => `department:${department}` as const), 'global'];
}

/** The reason is for the log. A client is told `unauthorized` and nothing more. */
export type Verified =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly reason: string };

export type Verify = (token: string) => Promise<Verified>;

/** True when one of the patterns covers the topic: `ticker.*` covers `ticker.btc-usd`. */
export function matchesTopic(patterns: readonly string[], topic: string): boolean {
  return patterns.some((pattern) => {
    const [start = '', ...rest] = pattern.split('*');
    const end = rest.pop();
    if (end === undefined) return pattern === topic;
    if (!topic.startsWith(start) || !topic.endsWith(end) || topic.length < start.length + end.length)
      return false;
    let at = start.length;
    for (const part of rest) {
      const found = topic.indexOf(part, at);
      if (found === -1) return false;
      at = found + part.length;
    }
    return at <= topic.length - end.length;
  });
}
