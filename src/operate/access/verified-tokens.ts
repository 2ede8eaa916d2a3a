/**
 * Tokens that were verified a while ago. When a network blip brings thousands back at once, their signatures are not
 * checked again.
 *
 * Whoever asks MUST still check what may have changed since: whether the token was revoked.
 */
import { createHash } from 'node:crypto';
import type { Identity } from '../../contract/token.ts';

/** The oldest are forgotten first. Together they take 15 MB with six claims each, and 27 MB with twenty. */
const MAX_TOKENS = 20_000;

/** Tokens that claim more are verified each time: what they say takes kilobytes. */
const MAX_CLAIMED = 20;

interface VerifiedToken {
  readonly identity: Identity;
  readonly verifiedAtMs: number;
}

export class VerifiedTokens {
  readonly #maxTokens: number;
  readonly #tokens = new Map<string, VerifiedToken>();
  #keysVersion = 0;

  constructor(maxTokens = MAX_TOKENS) {
    this.#maxTokens = maxTokens;
  }

  /**
   * Undefined for a token that has to be verified: it is not known, it has ended, or the keys or the clock are not what
   * they were.
   */
  find(digest: string, { nowMs, toleranceMs, keysVersion }: Circumstances): Identity | undefined {
    this.#keep(keysVersion);
    const known = this.#tokens.get(digest);
    if (known === undefined) return undefined;
    const { identity, verifiedAtMs } = known;
    if (nowMs >= identity.expiresAtMs + toleranceMs) this.#tokens.delete(digest);
    else if (verifiedAtMs <= nowMs) return identity;
    return undefined;
  }

  /** `keysVersion`: of the keys before the token was verified. */
  add(digest: string, identity: Identity, { nowMs, keysVersion }: Circumstances): void {
    if (keysVersion < this.#keysVersion || claimedIn(identity) > MAX_CLAIMED) return;
    this.#keep(keysVersion);
    this.#tokens.delete(digest);
    this.#tokens.set(digest, { identity, verifiedAtMs: nowMs });
    if (this.#tokens.size <= this.#maxTokens) return;
    for (const [oldest] of this.#tokens) {
      this.#tokens.delete(oldest);
      return;
    }
  }

  #keep(keysVersion: number): void {
    if (keysVersion === this.#keysVersion) return;
    this.#tokens.clear();
    this.#keysVersion = keysVersion;
  }
}

/** By which a token is valid or not. */
export interface Circumstances {
  readonly nowMs: number;
  /** How long a token is taken after its end. */
  readonly toleranceMs: number;
  /** Another one when the keys have changed. */
  readonly keysVersion: number;
}

function claimedIn({ departments, topics, publish, scopes, audiences = [] }: Identity): number {
  return departments.length + topics.length + publish.length + scopes.length + audiences.length;
}

/** Under which a token is known: none of them is kept itself. */
export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
