/** Verifies tokens with the secret, or with the keys of an identity provider, which are fetched from the start on. */

import { claimNamesOf } from '../config/token-variables.ts';
import type { Verify } from '../contract/token.ts';
import { type Probe, whether } from '../observe/health.ts';
import type { Skipped } from '../operate/access/claims.ts';
import { KeySet } from '../operate/access/key-set.ts';
import { type Revocations, revocable } from '../operate/access/revocable.ts';
import { SkippedClaims } from '../operate/access/skipped-claims.ts';
import { createVerify } from '../operate/access/tokens.ts';
import type { Context } from './context.ts';

export interface Verifier {
  readonly verify: Verify;
  readonly probes: Readonly<Record<string, Probe>>;
}

/** `now` is the shared clock, so that a machine with a wrong clock lets the same people in as the others. */
export function openVerifier(
  { config, log, closers }: Context,
  revocations: Revocations,
  now: () => number,
): Verifier {
  const skippedClaims = new SkippedClaims(log);
  const checks = {
    issuer: config.JWT_ISSUER,
    audience: config.JWT_AUDIENCE,
    clockSkewSeconds: config.JWT_CLOCK_SKEW_SECONDS,
    claimNames: claimNamesOf(config),
    now,
    onSkipped: (user: string, skipped: readonly Skipped[]) => skippedClaims.tell(user, skipped),
  };
  const guard = { revocations, maxLifetimeMs: maxLifetimeMs(config) };
  const { secrets, jwksUrl } = config.tokenKeys;
  if (jwksUrl === undefined) {
    const verify = revocable(createVerify({ keys: { secrets }, ...checks }), guard);
    return { verify, probes: {} };
  }
  const keySet = new KeySet({ url: jwksUrl, log });
  closers.add("the provider's keys", () => keySet.close());
  return {
    verify: revocable(createVerify({ keys: { secrets, keySet }, ...checks }), guard),
    // The last keys stay in use when the provider goes away later, so this gateway stays ready.
    probes: { keys: () => whether(keySet.isFilled, 'never fetched') },
  };
}

/** The longest life of a token, and so the time for which revocations are kept. */
export function maxLifetimeMs({ JWT_MAX_DAYS }: Context['config']): number {
  return JWT_MAX_DAYS * 86_400_000;
}
