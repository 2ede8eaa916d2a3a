/** Several keys at once, while one replaces another: which tokens they verify, and which they must not. */
import { exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { secretsIn } from '../../../../src/config/token-secrets.ts';
import { createVerify, signToken, type TokenKeys } from '../../../../src/operate/access/tokens.ts';

const [NEW, OLD] = ['n'.repeat(32), 'o'.repeat(32)];
const ACCEPTED = { ok: true, identity: expect.objectContaining({ user: 'ada' }) };
const REFUSED = { ok: false, code: 'unauthorized', reason: expect.any(String) };

const verifier = (keys: TokenKeys) =>
  createVerify({ keys, issuer: undefined, audience: undefined, clockSkewSeconds: 5 });

const signed = (secret: string, kid?: string) => signToken({ secret, kid }, { sub: 'ada' }, 60);

describe('secrets', () => {
  test.for<[string, string, () => Promise<string>, object]>([
    ['the new one', `${NEW},${OLD}`, () => signed(NEW), ACCEPTED],
    ['the old one', `${NEW},${OLD}`, () => signed(OLD), ACCEPTED],
    ['none of them', `${NEW},${OLD}`, () => signed('x'.repeat(32)), REFUSED],
    ['one that was left out', NEW, () => signed(OLD), REFUSED],
    ['the one of its kid', `a:${NEW},b:${OLD}`, () => signed(OLD, 'b'), ACCEPTED],
    ['another than that of its kid', `a:${NEW},b:${OLD}`, () => signed(OLD, 'a'), REFUSED],
    ['one of them, with a kid that nobody knows', `a:${NEW},b:${OLD}`, () => signed(OLD, 'c'), ACCEPTED],
    ['one with a kid, without naming it', `a:${NEW},b:${OLD}`, () => signed(OLD), ACCEPTED],
    ['a secret with a comma, as it was before', `${NEW},${OLD}`, () => signed(`${NEW},${OLD}`), ACCEPTED],
    ['a secret with a colon, as it was before', `a:${NEW}`, () => signed(`a:${NEW}`), ACCEPTED],
  ])('a token of %s', async ([, text, token, verdict]) => {
    expect(await verifier({ secrets: secretsIn(text) })(await token())).toEqual(verdict);
  });

  test('the first one signs, and says its kid', async () => {
    const [first] = secretsIn(`2026-11:${NEW},${OLD}`);
    const token = await signToken(first, { sub: 'ada' }, 60);
    expect(await verifier({ secrets: [{ secret: NEW }] })(token)).toEqual(ACCEPTED);
    const [header = ''] = token.split('.');
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg: 'HS256', kid: '2026-11' });
  });
});

describe('secrets beside a key set', () => {
  let pair: Awaited<ReturnType<typeof generateKeyPair>>;
  beforeAll(async () => {
    pair = await generateKeyPair('ES256', { extractable: true });
  });
  const both = () =>
    verifier({ secrets: secretsIn(OLD), keySet: { find: async () => pair.publicKey, version: 1 } });
  const ofProvider = () =>
    new SignJWT({ sub: 'ada', exp: Date.now() / 1000 + 60 })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .sign(pair.privateKey);

  test('tokens of both are good', async () => {
    expect(await both()(await signed(OLD))).toEqual(ACCEPTED);
    expect(await both()(await ofProvider())).toEqual(ACCEPTED);
  });

  test('a token that is signed with the public key as its secret is refused', async () => {
    const forged = await signed(await exportSPKI(pair.publicKey));
    expect(await both()(forged)).toEqual(REFUSED);
  });

  test.for(['', 'a.b.c', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.'])('"%s" is refused', async (token) => {
    expect(await both()(token)).toEqual(REFUSED);
  });
});

test('nothing is verified without any key', () => {
  expect(() => verifier({})).toThrow('tokens need a secret or a key set');
  expect(() => verifier({ secrets: [] })).toThrow('tokens need a secret or a key set');
});
