/** Tokens that were verified before: believed only while everything is as it was then. */
import { generateKeyPair, SignJWT } from 'jose';
import { describe, expect, test, vi } from 'vitest';
import type { Identity } from '../../../../src/contract/token.ts';
import { createVerify, type TokenOptions } from '../../../../src/operate/access/tokens.ts';
import { VerifiedTokens } from '../../../../src/operate/access/verified-tokens.ts';

const NOW = { nowMs: 1_000_000, toleranceMs: 5_000, keysVersion: 3 };
const ADA: Identity = {
  user: 'ada',
  departments: [],
  topics: [],
  publish: [],
  scopes: [],
  audiences: undefined,
  issuedAtMs: 0,
  expiresAtMs: NOW.nowMs + 60_000,
};

function withAda() {
  const tokens = new VerifiedTokens();
  tokens.add('a.b.c', ADA, NOW);
  return tokens;
}

test('a token is found as it was verified, and no other', () => {
  expect(withAda().find('a.b.c', NOW)).toBe(ADA);
  expect(withAda().find('a.b.d', NOW)).toBeUndefined();
});

test.for([
  ['until it ends, and as long as clocks may differ', 64_999, ADA],
  ['not behind that', 65_000, undefined],
  ['not before the time at which it was verified, to which a clock may be set back', -1, undefined],
])('%s', ([, passedMs, found]) => {
  expect(withAda().find('a.b.c', { ...NOW, nowMs: NOW.nowMs + Number(passedMs) })).toBe(found);
});

test('not when the keys have changed, nor when they are what they were again', () => {
  const tokens = withAda();
  expect(tokens.find('a.b.c', { ...NOW, keysVersion: 4 })).toBeUndefined();
  expect(tokens.find('a.b.c', NOW)).toBeUndefined();
});

test('not when the keys have changed while it was being verified', () => {
  const tokens = new VerifiedTokens();
  expect(tokens.find('a.b.c', { ...NOW, keysVersion: 4 })).toBeUndefined();
  tokens.add('a.b.c', ADA, NOW);
  expect(tokens.find('a.b.c', { ...NOW, keysVersion: 4 })).toBeUndefined();
});

test('a token that claims a great deal is not kept', () => {
  const tokens = new VerifiedTokens();
  const departments = Array.from({ length: 21 }, (_, i) => `d${i}`);
  tokens.add('a.b.c', { ...ADA, departments }, NOW);
  expect(tokens.find('a.b.c', NOW)).toBeUndefined();
});

test('of very many the oldest are forgotten', () => {
  const tokens = new VerifiedTokens(2);
  for (const token of ['one', 'two', 'one', 'three']) tokens.add(token, ADA, NOW);
  expect(['one', 'two', 'three'].map((token) => tokens.find(token, NOW)?.user)).toEqual([
    'ada',
    undefined,
    'ada',
  ]);
});

describe('whoever verifies', () => {
  const SECRET = 'a-secret-of-more-than-32-characters';
  const checks = { issuer: undefined, audience: undefined, clockSkewSeconds: 5 };
  const ACCEPTED = { ok: true, identity: expect.objectContaining({ user: 'u1' }) };

  function verifier(more: Partial<TokenOptions> = {}) {
    let nowMs = NOW.nowMs;
    const verify = createVerify({
      keys: { secrets: [{ secret: SECRET }] },
      ...checks,
      now: () => nowMs,
      ...more,
    });
    return {
      verify,
      pass: (ms: number) => {
        nowMs += ms;
      },
    };
  }

  const signed = (claims: object = {}) =>
    new SignJWT({ sub: 'u1', exp: NOW.nowMs / 1000 + 60, ...claims })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(SECRET));

  test('refuses a token that has ended since', async () => {
    const { verify, pass } = verifier();
    const token = await signed();
    expect([await verify(token), await verify(token)]).toEqual([ACCEPTED, ACCEPTED]);
    pass(66_000);
    expect(await verify(token)).toMatchObject({ ok: false, reason: expect.stringContaining('EXPIRED') });
  });

  test('tells what is left out of a token each time', async () => {
    const onSkipped = vi.fn();
    const { verify } = verifier({ onSkipped });
    const token = await signed({ departments: ['c'.repeat(200)] });
    expect([await verify(token), await verify(token)]).toEqual([ACCEPTED, ACCEPTED]);
    expect(onSkipped).toHaveBeenCalledTimes(2);
  });

  test('looks at the signature once', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const keySet = { find: vi.fn(async () => publicKey), version: 1 };
    const { verify } = verifier({ keys: { keySet } });
    const token = await new SignJWT({ sub: 'u1', exp: NOW.nowMs / 1000 + 60 })
      .setProtectedHeader({ alg: 'ES256' })
      .sign(privateKey);
    expect([await verify(token), await verify(token)]).toEqual([ACCEPTED, ACCEPTED]);
    expect(keySet.find).toHaveBeenCalledTimes(1);
  });
});
