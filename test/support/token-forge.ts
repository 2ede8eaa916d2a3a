/**
 * Tokens as a forger makes them, from pieces that are right, nearly right or absurd. It also judges whether a token may
 * be trusted, in code that shares nothing with the service.
 */
import { createHmac, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import fc from './fast-check.ts';
import { hostileJson, weighted } from './hostile.ts';

export interface Forge {
  readonly secret: string;
  readonly rsaKey: KeyObject;
  readonly strangersKey: KeyObject;
  readonly issuer: string;
  readonly audience: string;
  readonly nowSeconds: number;
}

type Pair = readonly [name: string, json: string];
const objectOf = (pairs: readonly Pair[]) =>
  `{${pairs.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`;
const jsons = (...values: unknown[]) => fc.constantFrom(...values.map((value) => JSON.stringify(value)));
/** Draws one of these names with one of its values. */
const pairsOf = (...all: readonly (readonly [string, fc.Arbitrary<string>])[]): fc.Arbitrary<Pair> =>
  fc.oneof(...all.map(([name, json]) => json.map((text): Pair => [name, text])));

/** Any token, seldom a valid one. */
export function anyToken(forge: Forge): fc.Arbitrary<string> {
  return weighted<string>(
    [12, fc.tuple(anyHeader(forge), anyClaims(forge), anySigned(forge), anyCoding, anyDamage).map(assembled)],
    [1, fc.string({ unit: 'binary', maxLength: 80 })],
    [1, fc.stringMatching(/^[A-Za-z0-9_=+/-]{0,40}(\.[A-Za-z0-9_=+/-]{0,40}){0,5}$/)],
  );
}

function anyHeader({ strangersKey }: Forge): fc.Arbitrary<string> {
  const jwk = JSON.stringify(createPublicKey(strangersKey).export({ format: 'jwk' }));
  const good = fc.constantFrom(
    '{"alg":"HS256"}',
    '{"alg":"HS256","typ":"JWT"}',
    '{"alg":"RS256","kid":"k1"}',
  );
  const parameter = pairsOf(
    ['alg', jsons('HS256', 'RS256', 'none', 'None', 'HS512', 'hs256', 'PS256', 'ES256', '', null, ['HS256'])],
    ['kid', jsons('k1', 'k2', '../../dev/null', "' OR 1=1", null, 1, 'x'.repeat(5_000))],
    ['crit', jsons(['exp'], ['b64'], [], 'b64', null, ['alg'], [''])],
    ['b64', jsons(true, false, null)],
    ['typ', jsons('JWT', 'at+jwt', 'JOSE', null, {})],
    ['jwk', fc.constant(jwk)],
    ['jku', jsons('http://127.0.0.1:1/keys')],
    ['x5u', jsons('http://127.0.0.1:1/cert')],
    ['x5c', jsons(['AAAA'], null)],
    ['zip', jsons('DEF')],
    ['__proto__', fc.constant('{"alg":"HS256"}')],
  );
  return weighted<string>(
    [4, good],
    [4, fc.array(parameter, { minLength: 1, maxLength: 6 }).map(objectOf)],
    [2, fc.tuple(good, parameter).map(([text, pair]) => `${text.slice(0, -1)},${objectOf([pair]).slice(1)}`)],
    [1, hostileJson],
  );
}

function anyClaims({ issuer, audience, nowSeconds: now }: Forge): fc.Arbitrary<string> {
  const times = jsons(
    now,
    now + 600,
    now - 600,
    now + 5,
    now * 1_000,
    -1,
    0,
    1.5,
    1e300,
    '600',
    null,
    [now],
    {},
  );
  const right: readonly Pair[] = [
    ['sub', '"u1"'],
    ['exp', String(now + 600)],
    ['iss', JSON.stringify(issuer)],
    ['aud', JSON.stringify(audience)],
  ];
  const claim = pairsOf(
    ['sub', jsons('u1', '', ' a', '1}:log', 'a,b', 'x'.repeat(129), null, 7, ['u1'], { u: 1 })],
    ['exp', times],
    ['iat', times],
    ['nbf', times],
    ['iss', jsons(issuer, `${issuer}/`, [issuer], null, {})],
    ['aud', jsons(audience, [audience, 'x'], ['x'], [[audience]], audience.toUpperCase(), null, {})],
    ['departments', jsons([], ['sales'], ['a b'], 'sales', Array(101).fill('a'), null, { 0: 'a' })],
    ['topics', jsons(['*'], ['#'], 'a', null)],
    ['scope', jsons('admin', ['admin'], null, {})],
    ['audiences', jsons(['*'], ['user:{1}'], 'user:*', null)],
    ['__proto__', jsons({ sub: 'u2' })],
    ['x', hostileJson],
  );
  const extra = fc.array(claim, { maxLength: 3 });
  return weighted<string>(
    [3, fc.constant(objectOf(right))],
    [6, fc.tuple(extra, extra).map(([before, after]) => objectOf([...before, ...right, ...after]))],
    [2, fc.array(claim, { maxLength: 6 }).map(objectOf)],
    [1, hostileJson],
  );
}

type Signed = (content: string) => Buffer;

function anySigned({ secret, rsaKey, strangersKey }: Forge): fc.Arbitrary<Signed> {
  const hmac =
    (key: string, hash = 'sha256'): Signed =>
    (content) =>
      createHmac(hash, key).update(content).digest();
  const rsa =
    (key: KeyObject): Signed =>
    (content) =>
      sign('sha256', Buffer.from(content), key);
  const publicText = createPublicKey(rsaKey).export({ type: 'spki', format: 'pem' }).toString();
  const cut =
    (signed: Signed, bytes: number): Signed =>
    (content) =>
      signed(content).subarray(0, bytes);
  return weighted<Signed>(
    [6, fc.constant(hmac(secret))],
    [3, fc.constant(rsa(rsaKey))],
    [
      4,
      fc.constantFrom<Signed>(
        () => Buffer.alloc(0),
        () => Buffer.alloc(32),
        hmac(''),
        hmac(`${secret}x`),
        hmac(publicText),
        hmac(secret, 'sha512'),
        cut(hmac(secret), 16),
        cut(hmac(secret, 'sha512'), 32),
        rsa(strangersKey),
      ),
    ],
  );
}

type Coding = (bytes: Buffer | string) => string;
const url: Coding = (bytes) => Buffer.from(bytes).toString('base64url');
const base64: Coding = (bytes) => Buffer.from(bytes).toString('base64');

/** How to encode each of the three parts: usually in the right way. */
const anyCoding = weighted<readonly [Coding, Coding, Coding]>(
  [6, fc.constant([url, url, url] as const)],
  [
    2,
    fc
      .array(
        fc.constantFrom<Coding>(
          url,
          base64,
          (bytes) => `${url(bytes)}=`,
          (bytes) => ` ${url(bytes)}`,
          (bytes) => `${url(bytes)}\n`,
          (bytes) => `\ufeff${url(bytes)}`,
          (bytes) => encodeURIComponent(base64(bytes)),
          (bytes) => Buffer.from(bytes).toString('hex'),
          (bytes) => String(bytes),
        ),
        { minLength: 3, maxLength: 3 },
      )
      .map(([a = url, b = url, c = url]) => [a, b, c] as const),
  ],
);

/** Damage that is done to the finished token. */
const anyDamage = weighted<(token: string) => string>(
  [8, fc.constant((token: string) => token)],
  [
    3,
    fc
      .tuple(fc.nat(), fc.nat(3), fc.constantFrom('', '.', '=', 'A', '%2e', '\u0000', '\ud800', ' '))
      .map(([at, dropped, added]) => (token: string) => {
        const place = at % (token.length + 1);
        return token.slice(0, place) + added + token.slice(place + dropped);
      }),
  ],
  [
    1,
    fc.constantFrom<(token: string) => string>(
      (token) => `${token}.`,
      (token) => `.${token}`,
      (token) => `${token}.${token}`,
      (token) => token.slice(0, token.lastIndexOf('.') + 1),
      (token) => token.split('.').reverse().join('.'),
      (token) => token.toUpperCase(),
      (token) => JSON.stringify({ token }),
    ),
  ],
);

function assembled([header, claims, signed, [codeHeader, codeClaims, codeSignature], damage]: readonly [
  string,
  string,
  Signed,
  readonly [Coding, Coding, Coding],
  (token: string) => string,
]): string {
  const content = `${codeHeader(header)}.${codeClaims(claims)}`;
  return damage(`${content}.${codeSignature(signed(content))}`);
}

/** Whether a verifier that has the secret, or the public key, may trust the token. */
export function mayBeBelieved(token: string, by: 'secret' | 'keys', forge: Forge): boolean {
  const parts = token.split('.');
  if (parts.length !== 3) return false;
  const [header, claims] = parts.slice(0, 2).map((part) => objectIn(part));
  if (header === undefined || claims === undefined) return false;
  if (header.alg !== (by === 'secret' ? 'HS256' : 'RS256') || Object.hasOwn(header, 'crit')) return false;
  const content = token.slice(0, token.lastIndexOf('.'));
  const signature = Buffer.from(parts[2] ?? '', 'base64url');
  const isSigned =
    by === 'secret'
      ? createHmac('sha256', forge.secret).update(content).digest().equals(signature)
      : verify('sha256', Buffer.from(content), createPublicKey(forge.rsaKey), signature);
  return isSigned && areGood(claims, forge);
}

function objectIn(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const ID = /^[A-Za-z0-9._~@:+-]{1,128}$/;

function areGood(claims: Record<string, unknown>, { issuer, audience, nowSeconds: now }: Forge): boolean {
  const { sub, exp, iat, nbf, iss, aud } = claims;
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud];
  const isTime = (value: unknown, isRight: (seconds: number) => boolean) =>
    value === undefined || (typeof value === 'number' && isRight(value));
  // Allows a minute for a slow machine.
  const late = now + 65;
  return (
    typeof sub === 'string' &&
    ID.test(sub) &&
    exp !== undefined &&
    isTime(exp, (seconds) => seconds > now - 65 && seconds < now + 400 * 86_400) &&
    isTime(iat, (seconds) => seconds <= late) &&
    isTime(nbf, (seconds) => seconds <= late) &&
    iss === issuer &&
    audiences.includes(audience)
  );
}
