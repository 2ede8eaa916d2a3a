/** Tokens: who gets in, and that no token chooses how it is verified. */
import { createServer, type Server } from 'node:http';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { DEFAULT_CLAIM_NAMES } from '../../../../src/contract/claim-names.ts';
import { matchesAny, type Verify } from '../../../../src/contract/token.ts';
import { KeySet } from '../../../../src/operate/access/key-set.ts';
import { createVerify, signToken, type TokenOptions } from '../../../../src/operate/access/tokens.ts';
import fc from '../../../support/fast-check.ts';

const SECRET = 'a-secret-of-more-than-32-characters';
const NOW_SECONDS = 1_800_000_000;
const IN_A_MINUTE = NOW_SECONDS + 60;

const withSecret = (more: Partial<TokenOptions> = {}): Verify =>
  createVerify({
    keys: { secrets: [{ secret: SECRET }] },
    issuer: undefined,
    audience: undefined,
    clockSkewSeconds: 5,
    ...more,
  });

const bytesOf = (text: string) => new TextEncoder().encode(text);

const hs256 = (claims: Record<string, unknown>, secret = SECRET, header = {}) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'HS256', ...header }).sign(bytesOf(secret));

const refused = (reason: string) => ({
  ok: false,
  code: 'unauthorized',
  reason: expect.stringContaining(reason),
});
const accepted = (identity: object = {}) => ({ ok: true, identity: expect.objectContaining(identity) });

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOW_SECONDS * 1000 }));
afterEach(() => void vi.useRealTimers());

describe('a token signed with the secret', () => {
  test('says who its bearer is', async () => {
    const token = await hs256({
      sub: 'u1',
      exp: IN_A_MINUTE,
      departments: ['sales'],
      topics: ['ticker.*'],
      publish: ['ticker.btc'],
      scope: ' events:write  admin ',
    });
    expect(await withSecret()(token)).toEqual({
      ok: true,
      identity: {
        user: 'u1',
        departments: ['sales'],
        topics: ['ticker.*'],
        publish: ['ticker.btc'],
        scopes: ['events:write', 'admin'],
        issuedAtMs: Number.NEGATIVE_INFINITY,
        expiresAtMs: IN_A_MINUTE * 1000,
      },
    });
  });

  test('gives nothing that it does not name', async () => {
    const verified = await withSecret()(await hs256({ sub: 'u1', exp: IN_A_MINUTE }));
    expect(verified).toMatchObject({ identity: { departments: [], topics: [], publish: [], scopes: [] } });
  });

  test('may come from signToken', async () => {
    const token = await signToken({ secret: SECRET }, { sub: 'u1' }, 60);
    expect(await withSecret()(token)).toEqual(accepted({ user: 'u1', expiresAtMs: IN_A_MINUTE * 1000 }));
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['expired', { sub: 'u1', exp: NOW_SECONDS - 60 }, 'ERR_JWT_EXPIRED'],
    ['without exp', { sub: 'u1' }, 'claim exp is missing'],
    ['with exp in words', { sub: 'u1', exp: 'never' }, 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
    ['without sub', { exp: IN_A_MINUTE }, 'claim sub is missing'],
    ['with an empty sub', { sub: '', exp: IN_A_MINUTE }, 'claim sub'],
    ['whose sub breaks out of its key', { sub: '1}:log', exp: IN_A_MINUTE }, 'claim sub'],
    [
      'not valid yet',
      { sub: 'u1', exp: IN_A_MINUTE, nbf: NOW_SECONDS + 30 },
      'ERR_JWT_CLAIM_VALIDATION_FAILED',
    ],
  ])('%s is refused', async (_name, claims, reason) => {
    expect(await withSecret()(await hs256(claims))).toMatchObject(refused(reason));
  });

  test.each([
    ['exp', 4, true],
    ['exp', 5, false],
    ['nbf', 5, true],
    ['nbf', 6, false],
  ])('%s may be off by %i s of a skew of 5: %s', async (claim, seconds, ok) => {
    const at = claim === 'exp' ? NOW_SECONDS - seconds : NOW_SECONDS + seconds;
    const token = await hs256({ sub: 'u1', exp: IN_A_MINUTE, [claim]: at });
    expect((await withSecret()(token)).ok).toBe(ok);
    expect((await withSecret({ clockSkewSeconds: 0 })(token)).ok).toBe(false);
  });

  test('of another secret, or changed, is refused', async () => {
    const claims = { sub: 'u1', exp: IN_A_MINUTE };
    expect(await withSecret()(await hs256(claims, `${SECRET}x`))).toEqual(refused('SIGNATURE'));
    const [header, , signature] = (await hs256(claims)).split('.');
    const other = Buffer.from(JSON.stringify({ ...claims, sub: 'u2' })).toString('base64url');
    expect(await withSecret()(`${header}.${other}.${signature}`)).toEqual(refused('SIGNATURE'));
  });

  test('must have the issuer and the audience that are asked for', async () => {
    const claims = { sub: 'u1', exp: IN_A_MINUTE, iss: 'https://id.example', aud: ['carillon', 'other'] };
    const verify = withSecret({ issuer: 'https://id.example', audience: 'carillon' });
    expect(await verify(await hs256(claims))).toEqual(accepted());
    for (const wrong of [
      { iss: 'https://evil.example' },
      { aud: 'other' },
      { iss: undefined },
      { aud: undefined },
    ]) {
      expect(await verify(await hs256({ ...claims, ...wrong }))).toEqual(refused('CLAIM_VALIDATION'));
    }
  });
});

describe('the reason names the claim, what it says and what was asked for:', () => {
  const asked = { issuer: 'https://id.example', audience: 'carillon' };
  const claims = { sub: 'u1', exp: IN_A_MINUTE, iss: asked.issuer, aud: asked.audience };

  test.for<[Record<string, unknown>, string]>([
    [
      { aud: ['account', 'x'] },
      'claim aud is not what is asked for: it is ["account","x"]; JWT_AUDIENCE is "carillon"',
    ],
    [{ aud: undefined }, 'claim aud is missing; JWT_AUDIENCE is "carillon"'],
    [
      { iss: 'https://id.example/' },
      'claim iss is not what is asked for: it is "https://id.example/"; JWT_ISSUER is "https://id.example"',
    ],
    [{ exp: NOW_SECONDS - 60 }, 'claim exp is not what is asked for: it ended 60 s ago'],
    [{ nbf: NOW_SECONDS + 30 }, 'claim nbf is not what is asked for: it begins in 30 s'],
    [{ exp: 'soon' }, 'claim exp is malformed: it is "soon"'],
  ])('%j', async ([changed, reason]) => {
    const verified = await withSecret(asked)(await hs256({ ...claims, ...changed }));
    expect(verified).toMatchObject(refused(reason));
    // Whom it was made for is not for whoever stole it to know.
    if (!verified.ok) expect(verified.detail).toBeUndefined();
  });

  test('what a provider writes is cut', async () => {
    const verified = await withSecret(asked)(await hs256({ ...claims, aud: 'x'.repeat(10_000) }));
    expect(verified.ok || verified.reason.length).toBeLessThan(400);
  });

  test('a token that is opaque or encrypted', async () => {
    expect(await withSecret()('a.b.c.d.e')).toEqual(refused('ERR_JWS_INVALID: it is no signed JWT'));
  });
});

test('a token need not have a subject where another claim says who it is', async () => {
  const verify = withSecret({ claimNames: { ...DEFAULT_CLAIM_NAMES, user: 'oid' } });
  expect(await verify(await hs256({ oid: 'o1', exp: IN_A_MINUTE }))).toEqual(accepted({ user: 'o1' }));
  expect(await verify(await hs256({ oid: 'o1', sub: 's1', exp: IN_A_MINUTE }))).toEqual(
    accepted({ user: 'o1' }),
  );
  expect(await verify(await hs256({ sub: 's1', exp: IN_A_MINUTE }))).toEqual({
    ...refused('claim oid is missing'),
    detail: 'claim oid is missing',
  });
});

describe('the algorithm follows from the key:', () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const unsigned = (alg: string) => `${part({ alg })}.${part({ sub: 'u1', exp: IN_A_MINUTE })}.`;
  const claims = { sub: 'u1', exp: IN_A_MINUTE };
  let server: Server;
  let verify: Verify;
  let rsa: Awaited<ReturnType<typeof generateKeyPair>>;
  let keySet: KeySet;

  beforeAll(async () => {
    rsa = await generateKeyPair('RS256', { extractable: true });
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(rsa.publicKey)), kid: 'k1', alg: 'RS256' }] });
    server = createServer((_request, response) => response.end(jwks));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    keySet = new KeySet({ url: `http://127.0.0.1:${address.port}/keys`, log: pino({ level: 'silent' }) });
    verify = withSecret({ keys: { keySet } });
  });

  afterAll(() => {
    keySet.close();
    server.close();
  });

  const rs256 = (header = {}, key = rsa.privateKey) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'k1', ...header }).sign(key);

  test('a token signed with a key of the set is accepted', async () => {
    expect(await verify(await rs256())).toEqual(accepted({ user: 'u1' }));
  });

  test.each(['none', 'None', 'NONE', ''])('alg "%s" is refused', async (alg) => {
    expect((await verify(unsigned(alg))).ok).toBe(false);
    expect((await withSecret()(unsigned(alg))).ok).toBe(false);
  });

  test('a public key used as a secret is refused', async () => {
    const publicTexts = [await exportSPKI(rsa.publicKey), JSON.stringify(await exportJWK(rsa.publicKey))];
    for (const text of publicTexts) {
      expect(await verify(await hs256(claims, text, { kid: 'k1' }))).toEqual(refused('ALG_NOT_ALLOWED'));
    }
  });

  test('a key that the token brings along is not believed', async () => {
    const other = await generateKeyPair('RS256', { extractable: true });
    const jwk = await exportJWK(other.publicKey);
    expect(await verify(await rs256({ jwk }, other.privateKey))).toEqual(refused('SIGNATURE'));
    expect(await verify(await rs256({ kid: 'k2', jwk }, other.privateKey))).toEqual(
      refused('NO_MATCHING_KEY'),
    );
  });

  test('a token with a public key is refused where a secret is set', async () => {
    expect(await withSecret()(await rs256())).toEqual(refused('ALG_NOT_ALLOWED'));
  });
});

test('no text makes verifying throw, and no reason repeats the text', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 20 }), async (text) => {
      const verified = await withSecret()(text);
      expect(verified.ok || verified.reason).toMatch(/^ERR_/);
    }),
  );
});

describe('matchesAny', () => {
  /** The definition: `*` is any run of characters, also none. */
  const matchesSlowly = (pattern: string, topic: string): boolean => {
    if (pattern === '') return topic === '';
    if (pattern[0] === '*')
      return (
        matchesSlowly(pattern.slice(1), topic) || (topic !== '' && matchesSlowly(pattern, topic.slice(1)))
      );
    return pattern[0] === topic[0] && matchesSlowly(pattern.slice(1), topic.slice(1));
  };
  const text = (...alphabet: string[]) =>
    fc.array(fc.constantFrom(...alphabet), { maxLength: 8 }).map((all) => all.join(''));

  test('does what the slow definition says', () => {
    fc.assert(
      fc.property(text('a', 'b', '*'), text('a', 'b'), (pattern, topic) => {
        expect(matchesAny([pattern], topic)).toBe(matchesSlowly(pattern, topic));
      }),
      { numRuns: 3_000 },
    );
  });

  test.each([
    [['ticker.*'], 'ticker.btc-usd', true],
    [['ticker.*'], 'ticker', false],
    [['ticker.*'], 'xticker.btc', false],
    [['news', 'ticker.btc'], 'ticker.btc', true],
    [['ticker.btc'], 'tickerxbtc', false],
    [['*'], 'anything', true],
    [[], 'anything', false],
  ])('%j covers %s: %s', (patterns, topic, covers) => {
    expect(matchesAny(patterns, topic)).toBe(covers);
  });

  test('ends at once also for many stars', () => {
    expect(matchesAny([`${'*a'.repeat(60)}*b`], 'a'.repeat(128))).toBe(false);
  });
});
