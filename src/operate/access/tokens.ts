/** Verifies tokens (JWT). The algorithms follow from the kind of key and never from the token. */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { decodeProtectedHeader, errors, type JWTVerifyOptions, jwtVerify, SignJWT, UnsecuredJWT } from 'jose';
import type { Verified, Verify } from '../../contract/token.ts';
import { identityOf, readBearer, type Skipped } from './claims.ts';
import { type KeySet, KeysUnavailable } from './key-set.ts';
import { faultOfTimes } from './token-times.ts';

export interface TokenOptions {
  readonly key: { readonly secret: string } | { readonly keySet: KeySet };
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
  readonly clockSkewSeconds: number;
  /** The time by which tokens begin and end; @default this machine's */
  readonly now?: () => number;
  /** Is told what of a token was left out because it cannot be used; @default nobody */
  readonly onSkipped?: (user: string, skipped: readonly Skipped[]) => void;
}

const REQUIRED = ['exp', 'sub'];
const SECRET_ALGORITHMS = ['HS256'];
/** Public keys only: were HS256 among them, a token could be signed with the public key as its secret. */
const PUBLIC_KEY_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'];

export function createVerify({
  key,
  issuer,
  audience,
  clockSkewSeconds,
  now = Date.now,
  onSkipped,
}: TokenOptions): Verify {
  const checks: JWTVerifyOptions = {
    algorithms: 'secret' in key ? SECRET_ALGORITHMS : PUBLIC_KEY_ALGORITHMS,
    requiredClaims: REQUIRED,
    clockTolerance: clockSkewSeconds,
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  };
  const verifyWithKey = 'secret' in key ? withSecret(key.secret) : withKeySet(key.keySet);
  return async (token): Promise<Verified> => {
    try {
      const nowMs = now();
      const { payload } = await verifyWithKey(token, { ...checks, currentDate: new Date(nowMs) });
      const read = readBearer(payload);
      if (!read.ok) return unusable(read.fault);
      const fault = faultOfTimes(read.bearer, clockSkewSeconds, nowMs);
      if (fault !== undefined) return unusable(fault);
      const { identity, skipped } = identityOf(read.bearer);
      if (skipped.length > 0) onSkipped?.(identity.user, skipped);
      return { ok: true, identity };
    } catch (error) {
      if (error instanceof KeysUnavailable) return { ok: false, code: 'unavailable', reason: error.message };
      // Whatever fails on it, a token that could not be read through lets nobody in.
      const missing = missingIn(error);
      return missing === undefined
        ? unauthorized(rejectionOf(error))
        : unusable(`claim ${missing} is missing`);
    }
  };
}

function unauthorized(reason: string): Verified {
  return { ok: false, code: 'unauthorized', reason };
}

/** Of a token whose signature is good: whoever has it may know what is wrong with it. */
function unusable(reason: string): Verified {
  return { ok: false, code: 'unauthorized', reason, detail: reason };
}

/** Which claim must be there and is not. Claims are looked at when the signature was found to be good. */
function missingIn(error: unknown): string | undefined {
  const isMissing = error instanceof errors.JWTClaimValidationFailed && error.reason === 'missing';
  return isMissing && REQUIRED.includes(error.claim) ? error.claim : undefined;
}

/** For the log: what is wrong, and nothing of the token itself. */
function rejectionOf(error: unknown): string {
  if (error instanceof errors.JWTClaimValidationFailed) {
    return `${error.code}: claim ${error.claim} ${REASONS[error.reason] ?? 'is not valid'}`;
  }
  return error instanceof errors.JOSEError ? error.code : 'the token could not be read';
}

const REASONS: Readonly<Record<string, string>> = {
  check_failed: 'is not what is asked for',
  missing: 'is missing',
  invalid: 'is malformed',
};

type VerifyWithKey = (token: string, checks: JWTVerifyOptions) => Promise<{ payload: unknown }>;

/**
 * jose gives each HMAC to the thread pool and takes 250 µs for it, a fifth of a whole connect; here it takes 15. This
 * only ever says yes: a token that it does not recognise at once goes to jose, whose verdict and reason count.
 */
function withSecret(secret: string): VerifyWithKey {
  const bytes = new TextEncoder().encode(secret);
  const key = createSecretKey(bytes);
  return async (token, checks) => {
    if (!isPlainlySigned(token, key)) return await jwtVerify(token, bytes, checks);
    const [, payload] = token.split('.');
    // The claims are jose's to check; the form without a signature is what it takes when that is settled.
    return UnsecuredJWT.decode(`${UNSECURED_HEADER}.${payload}.`, checks);
  };
}

const UNSECURED_HEADER = Buffer.from('{"alg":"none"}').toString('base64url');

/** Whether the token is three parts, says HS256 without any extension, and bears the key's signature. */
function isPlainlySigned(token: string, key: KeyObject): boolean {
  const end = token.lastIndexOf('.');
  if (token.split('.').length !== 3) return false;
  const signature = Buffer.from(token.slice(end + 1));
  const expected = Buffer.from(createHmac('sha256', key).update(token.slice(0, end)).digest('base64url'));
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) return false;
  const { alg, crit } = decodeProtectedHeader(token);
  return alg === 'HS256' && crit === undefined;
}

function withKeySet(keySet: KeySet): VerifyWithKey {
  return (token, checks) => jwtVerify(token, (header, signed) => keySet.find(header, signed), checks);
}

/** Signs a token with a shared secret: for the console, embedded mode and tests. */
export async function signToken(
  secret: string,
  claims: Record<string, unknown>,
  seconds: number,
): Promise<string> {
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setExpirationTime(`${seconds}s`)
    .sign(new TextEncoder().encode(secret));
}
