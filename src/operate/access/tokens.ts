/** Verifies tokens (JWT). The algorithms follow from the kind of key and never from the token. */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import {
  decodeProtectedHeader,
  errors,
  type JWTVerifyOptions,
  jwtVerify,
  type ProtectedHeaderParameters,
  SignJWT,
  UnsecuredJWT,
} from 'jose';
import { type ClaimNames, DEFAULT_CLAIM_NAMES } from '../../contract/claim-names.ts';
import type { TokenSecret, Verified, Verify } from '../../contract/token.ts';
import { identityOf, readBearer, type Skipped } from './claims.ts';
import { type KeySet, KeysUnavailable } from './key-set.ts';
import { rejectionOf } from './rejection.ts';
import { faultOfTimes } from './token-times.ts';
import { digestOf, VerifiedTokens } from './verified-tokens.ts';

/** Secrets verify HS256, a key set the rest. Both are there while a company moves from one to the other. */
export interface TokenKeys {
  readonly secrets?: readonly TokenSecret[];
  readonly keySet?: Pick<KeySet, 'find' | 'version'>;
}

export interface TokenOptions {
  readonly keys: TokenKeys;
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
  readonly clockSkewSeconds: number;
  /** @default Carillon's own */
  readonly claimNames?: ClaimNames;
  /** The time by which tokens begin and end; @default this machine's */
  readonly now?: () => number;
  /** Gets what of a token was left out because it cannot be used; @default nobody */
  readonly onSkipped?: (user: string, skipped: readonly Skipped[]) => void;
}

const SECRET_ALGORITHMS = ['HS256'];
/** Public keys only: were HS256 among them, a token could be signed with the public key as its secret. */
export const PUBLIC_KEY_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'];

export function createVerify({
  keys,
  issuer,
  audience,
  clockSkewSeconds,
  claimNames = DEFAULT_CLAIM_NAMES,
  now = Date.now,
  onSkipped,
}: TokenOptions): Verify {
  // Where the user is in another claim, a token need not have a subject.
  const required = claimNames.user === 'sub' ? ['exp', 'sub'] : ['exp'];
  const asked = {
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  };
  const checks: JWTVerifyOptions = {
    requiredClaims: required,
    clockTolerance: clockSkewSeconds,
    ...asked,
  };
  const verifyWithKey = withKeys(keys);
  const verifiedTokens = new VerifiedTokens();
  const toleranceMs = clockSkewSeconds * 1000;
  return async (token): Promise<Verified> => {
    const nowMs = now();
    const circumstances = { nowMs, toleranceMs, keysVersion: keys.keySet?.version ?? 0 };
    const digest = digestOf(token);
    const known = verifiedTokens.find(digest, circumstances);
    if (known !== undefined) return { ok: true, identity: known };
    const currentDate = new Date(nowMs);
    try {
      const { payload } = await verifyWithKey(token, { ...checks, currentDate });
      const read = readBearer(payload, claimNames);
      if (!read.ok) return unusable(read.fault);
      const fault = faultOfTimes(read.bearer, clockSkewSeconds, nowMs);
      if (fault !== undefined) return unusable(fault);
      const { identity, skipped } = identityOf(read.bearer);
      // Each login reports what was left out of its token.
      if (skipped.length > 0) onSkipped?.(identity.user, skipped);
      else verifiedTokens.add(digest, identity, circumstances);
      return { ok: true, identity };
    } catch (error) {
      if (error instanceof KeysUnavailable) return { ok: false, code: 'unavailable', reason: error.message };
      // Whatever fails on it, a token that could not be read through lets nobody in.
      const missing = missingIn(error, required);
      return missing === undefined
        ? unauthorized(rejectionOf(error, { ...asked, currentDate }))
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
function missingIn(error: unknown, required: readonly string[]): string | undefined {
  const isMissing = error instanceof errors.JWTClaimValidationFailed && error.reason === 'missing';
  return isMissing && required.includes(error.claim) ? error.claim : undefined;
}

type VerifyWithKey = (token: string, checks: JWTVerifyOptions) => Promise<{ payload: unknown }>;

/** The algorithm that a token names chooses the kind of key, and each kind verifies its own algorithms alone. */
function withKeys({ secrets = [], keySet }: TokenKeys): VerifyWithKey {
  const verifyWithKeySet = keySet === undefined ? undefined : withKeySet(keySet);
  const [first, ...others] = secrets;
  if (first === undefined) {
    if (verifyWithKeySet === undefined) throw new Error('tokens need a secret or a key set');
    return verifyWithKeySet;
  }
  const verifyWithSecrets = withSecrets([first, ...others]);
  if (verifyWithKeySet === undefined) return verifyWithSecrets;
  return (token, checks) => {
    const isHmac = SECRET_ALGORITHMS.includes(headerOf(token).alg ?? '');
    return isHmac ? verifyWithSecrets(token, checks) : verifyWithKeySet(token, checks);
  };
}

/**
 * jose gives each HMAC to the thread pool and takes 250 µs for it, a fifth of a whole connect; here it takes 15. This
 * only ever says yes: a token that it does not recognise at once goes to jose, whose verdict and reason count.
 */
function withSecrets(secrets: readonly [TokenSecret, ...TokenSecret[]]): VerifyWithKey {
  const all = secrets.map(({ kid, secret }) => ({ kid, key: createSecretKey(Buffer.from(secret)) }));
  const firstKey = createSecretKey(Buffer.from(secrets[0].secret));
  const areNamed = all.some(({ kid }) => kid !== undefined);
  return async (token, checks) => {
    const kid = areNamed ? headerOf(token).kid : undefined;
    const named = all.filter((one) => kid !== undefined && one.kid === kid);
    const tried = named.length > 0 ? named : all;
    if (!tried.some(({ key }) => isPlainlySigned(token, key))) {
      const own = { ...checks, algorithms: SECRET_ALGORITHMS };
      return await jwtVerify(token, tried[0]?.key ?? firstKey, own);
    }
    const [, payload] = token.split('.');
    // The claims are jose's to check; the form without a signature is what it takes when that is settled.
    return UnsecuredJWT.decode(`${UNSECURED_HEADER}.${payload}.`, checks);
  };
}

/** Nothing of what cannot be read: whoever verifies it says why. */
function headerOf(token: string): ProtectedHeaderParameters {
  try {
    return decodeProtectedHeader(token);
  } catch (error) {
    // jose says in no other way that a token is malformed.
    if (error instanceof TypeError) return {};
    throw error;
  }
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

function withKeySet(keySet: Pick<KeySet, 'find'>): VerifyWithKey {
  return (token, checks) =>
    jwtVerify(token, (header, signed) => keySet.find(header, signed), {
      ...checks,
      algorithms: PUBLIC_KEY_ALGORITHMS,
    });
}

/** Signs a token with a shared secret: for the console, embedded mode and tests. */
export async function signToken(
  { kid, secret }: TokenSecret,
  claims: Record<string, unknown>,
  seconds: number,
): Promise<string> {
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', ...(kid === undefined ? {} : { kid }) })
    .setIssuedAt()
    .setExpirationTime(`${seconds}s`)
    .sign(new TextEncoder().encode(secret));
}
