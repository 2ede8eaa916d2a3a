/** Refuses tokens that were taken back before their time. */
import type { Verified, Verify } from '../../contract/token.ts';

export interface Revocations {
  /** False until it is known what was revoked. */
  readonly isKnown: boolean;
  isRevoked(identity: { readonly user: string; readonly issuedAtMs: number }): boolean;
}

export interface RevocableOptions {
  readonly revocations: Revocations;
  /** How long revocations are kept: a token that lived for longer could outlive its own. */
  readonly maxLifetimeMs: number;
}

export function revocable(verify: Verify, { revocations, maxLifetimeMs }: RevocableOptions): Verify {
  const refuse = (reason: string): Verified => ({ ok: false, code: 'unauthorized', reason });
  return async (token) => {
    const verified = await verify(token);
    if (!verified.ok) return verified;
    const { issuedAtMs, expiresAtMs } = verified.identity;
    // Without iat, what is left of its life is all that can be checked.
    const bornMs = Number.isFinite(issuedAtMs) ? issuedAtMs : Date.now();
    if (expiresAtMs - bornMs > maxLifetimeMs) {
      return refuse(`claim exp: it lives for ${days(expiresAtMs - bornMs)} days, longer than JWT_MAX_DAYS`);
    }
    if (!revocations.isKnown)
      return { ok: false, code: 'unavailable', reason: 'revocations were not read yet' };
    return revocations.isRevoked(verified.identity) ? refuse('it is revoked') : verified;
  };
}

function days(ms: number): number {
  return Math.round(ms / 86_400_000);
}
