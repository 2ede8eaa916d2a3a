/** Hostile tokens: whatever is presented, verifying answers, never throws, and lets nobody in who was not given it. */
import { createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Verify } from '../../../../src/contract/token.ts';
import { KeySet } from '../../../../src/operate/access/key-set.ts';
import { createVerify } from '../../../../src/operate/access/tokens.ts';
import fc from '../../../support/fast-check.ts';
import { countInputs, hostileJson, nested, weighted } from '../../../support/hostile.ts';

const tried = countInputs();
const SECRET = 'a-secret-of-more-than-32-characters';
const [ISSUER, AUDIENCE] = ['https://id.example', 'carillon'];
const soon = Math.floor(Date.now() / 1000) + 3_600;
const good = { sub: 'u1', exp: soon, iss: ISSUER, aud: AUDIENCE };

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const keyServer = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ keys: [{ ...rsa.publicKey.export({ format: 'jwk' }), kid: 'k1' }] }));
});

let keySet: KeySet;
/** One for each way to be configured. */
let verifiers: Readonly<Record<'secret' | 'keys', Verify>>;

beforeAll(async () => {
  await once(keyServer.listen(0, '127.0.0.1'), 'listening');
  const address = keyServer.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const checks = { issuer: ISSUER, audience: AUDIENCE, clockSkewSeconds: 5 };
  keySet = new KeySet({ url: `http://127.0.0.1:${port}/`, log: pino({ level: 'silent' }) });
  verifiers = {
    secret: createVerify({ keys: { secrets: [{ secret: SECRET }] }, ...checks }),
    keys: createVerify({ keys: { keySet }, ...checks }),
  };
});
afterAll(() => {
  keySet.close();
  keyServer.close();
});

const base64url = (text: string | Uint8Array) => Buffer.from(text).toString('base64url');
const hmac = (content: string, key: string | Buffer = SECRET, hash = 'sha256') =>
  createHmac(hash, key).update(content).digest('base64url');
const rsaSignature = (content: string, key: KeyObject = rsa.privateKey, hash = 'sha256') =>
  sign(hash, Buffer.from(content), key).toString('base64url');

type Sign = (content: string) => string;
const tokenOf = (header: string, payload: string, signed: Sign) => {
  const content = `${base64url(header)}.${base64url(payload)}`;
  return `${content}.${signed(content)}`;
};

const HS256 = '{"alg":"HS256"}';
const RS256 = '{"alg":"RS256","kid":"k1"}';
/** Signed rightly, with whatever claims, for each verifier. */
const signedRightly = (payload: string) => ({
  secret: tokenOf(HS256, payload, hmac),
  keys: tokenOf(RS256, payload, rsaSignature),
});

async function expectRefused(token: string, by: readonly Verify[] = Object.values(verifiers)): Promise<void> {
  for (const verify of by) {
    tried();
    const verified = await verify(token);
    expect(verified).toMatchObject({ ok: false, code: 'unauthorized', reason: expect.any(String) });
    // What the bearer is told of a token that was signed rightly.
    if (!verified.ok) expect(verified.detail ?? 'claim').toMatch(/^claim/);
    // It goes to the log.
    if (!verified.ok) expect(verified.reason.length).toBeLessThan(200);
  }
}

test('what is right gets in, and only where it belongs', async () => {
  const { secret, keys } = signedRightly(JSON.stringify(good));
  expect(await verifiers.secret(secret)).toMatchObject({ ok: true, identity: { user: 'u1' } });
  expect(await verifiers.keys(keys)).toMatchObject({ ok: true, identity: { user: 'u1' } });
  await expectRefused(keys, [verifiers.secret]);
  await expectRefused(secret, [verifiers.keys]);
});

describe('the header decides nothing:', () => {
  const publicKey = {
    spki: rsa.publicKey.export({ type: 'spki', format: 'pem' }),
    pkcs1: rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }),
    der: rsa.publicKey.export({ type: 'spki', format: 'der' }),
    jwk: JSON.stringify(rsa.publicKey.export({ format: 'jwk' })),
  };
  /** Signatures that anybody can make. */
  const anybodys: readonly Sign[] = [
    () => '',
    () => 'AA',
    () => base64url(randomBytes(32)),
    () => base64url(randomBytes(256)),
    (content) => hmac(content, ''),
    (content) => hmac(content, `${SECRET} `),
    ...Object.values(publicKey).map((key) => (content: string) => hmac(content, key)),
    (content) => hmac(content, publicKey.spki, 'sha512'),
    (content) => rsaSignature(content, stranger.privateKey),
  ];
  const strangersKey = JSON.stringify(stranger.publicKey.export({ format: 'jwk' }));

  const anyAlg = weighted<string>(
    [3, fc.constantFrom('none', 'None', 'nOnE', '', 'HS256', 'hs256', 'HS256 ', 'RS256', 'RS1', 'HS1')],
    [2, fc.constantFrom('HS384', 'HS512', 'PS256', 'ES256', 'EdDSA', 'dir', 'RSA-OAEP', '__proto__')],
  ).map((alg) => JSON.stringify(alg));

  const anyParameter = weighted<readonly [string, string]>(
    [4, anyAlg.map((alg) => ['alg', alg] as const)],
    [1, hostileJson.map((json) => ['alg', json] as const)],
    [2, fc.constantFrom<readonly [string, string]>(['kid', '"k1"'], ['kid', '"../../dev/null"'])],
    [
      1,
      fc.constantFrom<readonly [string, string]>(['b64', 'false'], ['crit', '["b64"]'], ['crit', '["exp"]']),
    ],
    [1, fc.constantFrom<readonly [string, string]>(['jwk', strangersKey], ['jku', '"http://127.0.0.1:1/"'])],
    [1, fc.tuple(fc.constantFrom('crit', 'b64', 'kid', 'typ', 'zip', 'x5c', '__proto__'), hostileJson)],
  );
  const anyHeader = weighted<string>(
    [
      9,
      fc
        .array(anyParameter, { minLength: 1, maxLength: 5 })
        .map((all) => `{${all.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`),
    ],
    [1, hostileJson],
  );

  test('no header makes a signature of anybody good', async () => {
    await fc.assert(
      fc.asyncProperty(anyHeader, fc.constantFrom(...anybodys), async (header, signed) => {
        await expectRefused(tokenOf(header, JSON.stringify(good), signed));
      }),
      { numRuns: 2_000 },
    );
  });

  test.for([
    '{"alg":"none"}',
    '{"alg":"HS512"}',
    '{"alg":"RS256"}',
    '{"alg":["HS256"]}',
    '{"alg":"HS256","crit":["exp"]}',
    '{"alg":"HS256","crit":[]}',
    '{"alg":"HS256","crit":"b64"}',
    '{"alg":"HS256","crit":null}',
    '{"alg":"HS256","b64":false,"crit":["b64"]}',
    '{"__proto__":{"alg":"HS256"}}',
    '["HS256"]',
    '"HS256"',
    'null',
    '{}',
    '',
    'HS256',
  ])('%s is refused even under the right signature', async (header) => {
    const payload = JSON.stringify(good);
    await expectRefused(tokenOf(header, payload, hmac));
    await expectRefused(tokenOf(header.replaceAll('HS256', 'RS256'), payload, rsaSignature), [
      verifiers.secret,
    ]);
    const content = `${base64url(header)}.${payload}`;
    await expectRefused(`${content}.${hmac(content)}`);
  });
});

describe('claims, signed rightly:', () => {
  const refuseClaims = async (payload: string) => {
    const { secret, keys } = signedRightly(payload);
    await expectRefused(secret, [verifiers.secret]);
    await expectRefused(keys, [verifiers.keys]);
  };
  const anyWrong = fc.oneof(
    fc
      .constantFrom('null', '"never"', `"${soon}"`, '[]', '1e999', '1e300', '-1', '0', `[${soon}]`)
      .map((exp) => ['exp', exp] as const),
    fc
      .constantFrom('null', '[]', '""', '" a"', '"a,b"', '"1}:log"', '"\\u202e"', '"\\ud800"', '7')
      .map((sub) => ['sub', sub] as const),
    fc
      .constantFrom('null', '[]', '"https://id.example/"', `["${ISSUER}"]`, '{}')
      .map((iss) => ['iss', iss] as const),
    fc
      .constantFrom('null', '[]', '"Carillon"', '[["carillon"]]', '{"0":"carillon"}')
      .map((aud) => ['aud', aud] as const),
    fc.constantFrom('"soon"', `${soon}`, 'null', '[]').map((nbf) => ['nbf', nbf] as const),
  );

  test('one that is wrong is enough', async () => {
    await fc.assert(
      fc.asyncProperty(anyWrong, fc.boolean(), async ([name, json], isLast) => {
        const rest = Object.entries(good).filter(([one]) => one !== name);
        const pairs = rest.map(([one, value]): [string, string] => [one, JSON.stringify(value)]);
        if (isLast) pairs.push([name, json]);
        else pairs.unshift([name, json]);
        await refuseClaims(`{${pairs.map(([one, text]) => `"${one}":${text}`).join(',')}}`);
      }),
      { numRuns: 400 },
    );
  });

  test.for(['sub', 'exp', 'iss', 'aud'])('without %s', async (name) => {
    await refuseClaims(JSON.stringify({ ...good, [name]: undefined }));
    await refuseClaims(`{"__proto__":${JSON.stringify(good)}}`);
  });

  test.for<[string, string]>([
    ['a list', JSON.stringify([good])],
    ['text', '"u1"'],
    ['nothing', ''],
    ['null', 'null'],
    ['half', JSON.stringify(good).slice(0, -1)],
    ['something behind', `${JSON.stringify(good)}x`],
    ['deep', `{"sub":${nested(100_000)}}`],
  ])('%s', async ([, payload]) => {
    await refuseClaims(payload);
  });
});

describe('the form:', () => {
  test('no change to a good token is believed', async () => {
    const alphabet = [
      '.',
      '..',
      '=',
      '==',
      ' ',
      '\n',
      '\u0000',
      'A',
      '-',
      '_',
      '+',
      '/',
      '%2e',
      '\ud800',
      'é',
    ];
    const anyChange = fc.record({
      which: fc.constantFrom<'secret' | 'keys'>('secret', 'keys'),
      at: fc.nat(),
      dropped: fc.nat(3),
      added: fc.constantFrom('', ...alphabet),
    });
    const tokens = signedRightly(JSON.stringify(good));
    await fc.assert(
      fc.asyncProperty(anyChange, async ({ which, at, dropped, added }) => {
        const token = tokens[which];
        const place = at % (token.length + 1);
        const changed = token.slice(0, place) + added + token.slice(place + dropped);
        tried();
        const verified = await verifiers[which](changed);
        // The same signature can be written in several ways; what it signs cannot.
        const isSame =
          contentOf(changed) === contentOf(token) && signatureOf(changed).equals(signatureOf(token));
        if (!isSame) expect(verified.ok).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  test.for<[string, (token: string) => string]>([
    ['nothing', () => ''],
    ['dots', () => '.'.repeat(100_000)],
    ['no dots', (token) => token.replaceAll('.', '')],
    ['two of them', (token) => `${token}.${token}`],
    ['dots twice', (token) => token.replaceAll('.', '..')],
    ['parts in another order', (token) => token.split('.').reverse().join('.')],
    ['without the signature', (token) => token.slice(0, token.lastIndexOf('.') + 1)],
    ['five parts', (token) => `${token}.a.b`],
    ['a huge signature', (token) => token + 'A'.repeat(5_000_000)],
    ['a huge header', (token) => `${'A'.repeat(5_000_000)}.${token.split('.').slice(1).join('.')}`],
    ['huge', () => `a.${'A'.repeat(5_000_000)}.b`],
    ['the form of JSON', (token) => JSON.stringify({ protected: token })],
    ['a BOM in front', (token) => `\ufeff${token}`],
    ['line ends behind', (token) => `${token}\r\nx`],
  ])('%s', async ([, change]) => {
    const { secret, keys } = signedRightly(JSON.stringify(good));
    await expectRefused(change(secret));
    await expectRefused(change(keys));
  });
});

const contentOf = (token: string) => token.slice(0, token.lastIndexOf('.'));
const signatureOf = (token: string) => Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url');
