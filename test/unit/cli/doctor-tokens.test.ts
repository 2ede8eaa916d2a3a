/** The doctor on what tokens are verified with: each way in which JWKS_URL can be wrong has its own remedy. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { examineTokens } from '../../../src/cli/doctor-tokens.ts';
import type { Finding } from '../../../src/cli/finding.ts';
import { readConfig } from '../../../src/config/config.ts';
import { certificate } from '../../support/certificates.ts';
import { KeyProvider } from '../../support/key-provider.ts';
import { freePort } from '../../support/ports.ts';

const SERVERS = { AMQP_URL: 'amqp://127.0.0.1', REDIS_URL: 'redis://127.0.0.1' };

async function examine(variables: Readonly<Record<string, string>>): Promise<Finding[]> {
  const findings: Finding[] = [];
  const config = readConfig({ ...SERVERS, ...variables });
  for await (const finding of examineTokens(config, variables.JWT_SECRET)) findings.push(finding);
  return findings;
}

async function opened(server: Server): Promise<number> {
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('a server without a port');
  return address.port;
}

const answering = async (answer: RequestListener) =>
  `http://127.0.0.1:${await opened(createServer(answer))}/keys`;

const json = (body: unknown) => answering((_, response) => response.end(JSON.stringify(body)));

const provider = 'https://login.example/keys';
const RSA = { kty: 'RSA', n: 'AQAB', e: 'AQAB' };

describe('JWKS_URL', () => {
  test.for<[string, () => Promise<string>, RegExp, RegExp]>([
    [
      'refuses',
      async () => `http://127.0.0.1:${await freePort()}/`,
      /does not answer: .*ECONNREFUSED/,
      /let this machine/,
    ],
    [
      'is of no host',
      async () => 'http://nowhere.invalid/',
      /does not answer: .*(ENOTFOUND|EAI_AGAIN)/,
      /correct the host/,
    ],
    ['says nothing', () => answering(() => {}), /does not answer: .*timeout/, /let this machine/],
    [
      'is not found',
      () => answering((_, response) => response.writeHead(404).end()),
      /answers 404/,
      /jwks_uri/,
    ],
    [
      'is a redirect',
      () => answering((_, response) => response.writeHead(302, { location: '/x' }).end()),
      /answers 302, a redirect/,
      /where the redirect leads/,
    ],
    [
      'is a page',
      () =>
        answering((_, response) =>
          response.setHeader('content-type', 'text/html').end('<html>Log in</html>'),
        ),
      /answers no JSON \(text\/html\)/,
      /not to a page/,
    ],
    ['is other JSON', () => json({ error: 'no' }), /answers JSON and no set of keys/, /jwks_uri/],
    [
      "is the provider's configuration",
      () => json({ issuer: 'x', jwks_uri: provider }),
      /is the configuration of the provider/,
      new RegExp(`set JWKS_URL=${provider}`),
    ],
    ['has no keys', () => json({ keys: [] }), /answers an empty set of keys/, /publish its keys/],
    [
      'has keys of other algorithms only',
      () =>
        json({
          keys: [
            { kty: 'oct', k: 'x' },
            { ...RSA, alg: 'RS512' },
            { ...RSA, use: 'enc' },
            { ...RSA, key_ops: ['encrypt'] },
            { kty: 'EC', crv: 'secp256k1' },
            { kty: 'OKP', crv: 'X25519' },
          ],
        }),
      /has 6 key\(s\), and none verifies tokens of RS256, /,
      /sign tokens with one of these/,
    ],
    [
      'has a certificate that nobody trusts',
      async () => {
        const [key, cert] = ['server.key', 'server.pem'].map((name) =>
          readFileSync(certificate(name), 'utf8'),
        );
        return `https://127.0.0.1:${await opened(createTlsServer({ key, cert }))}/`;
      },
      /does not answer: .*(unable to verify|self.signed)/,
      /NODE_EXTRA_CA_CERTS/,
    ],
    [
      'speaks no TLS',
      async () => (await answering((_, response) => response.end())).replace('http:', 'https:'),
      /does not answer: .*(wrong version number|EPROTO|packet length)/,
      /write http:/,
    ],
  ])('that %s: wrong, with its remedy', async ([, url, found, change]) => {
    expect(await examine({ JWKS_URL: await url() })).toEqual([
      {
        check: 'token keys',
        verdict: 'wrong',
        found: expect.stringMatching(new RegExp(`^JWKS_URL ${found.source}`)),
        change: expect.stringMatching(change),
      },
    ]);
  });

  test('with keys as providers publish them: how many verify', async () => {
    const keys = await KeyProvider.create();
    for (const alg of ['RS256', 'ES256', 'EdDSA'] as const) await keys.addKey(alg, alg);
    await keys.start();
    onTestFinished(() => keys.stop());
    expect(await examine({ JWKS_URL: keys.url })).toEqual([
      { check: 'token keys', verdict: 'ok', found: '3 at JWKS_URL' },
    ]);
    const mixed = await json({ keys: [{ ...RSA, use: 'sig', alg: 'RS256' }, { kty: 'oct' }] });
    const [finding] = await examine({ JWKS_URL: mixed });
    expect(finding).toMatchObject({ verdict: 'ok', found: expect.stringContaining('1 of a kind') });
  });
});

const [FIRST, SECOND] = ['a'.repeat(32), 'b'.repeat(32)];

test.for([
  ['one', FIRST, 'ok', /^1 in JWT_SECRET; the first one signs$/],
  ['two', `${FIRST},${SECOND}`, 'ok', /^2 in JWT_SECRET; /],
  ['two, one with a name', `k2:${FIRST},${SECOND}`, 'ok', /^2 in JWT_SECRET, with the kid k2; /],
  [
    'two, of which one is short',
    `${FIRST},short-one`,
    'advice',
    /has a comma and is one secret all the same/,
  ],
  ['one with a line feed', `${FIRST}\n`, 'advice', /begins or ends with white space/],
] as const)('secrets: %s', async ([, JWT_SECRET, verdict, found]) => {
  const findings = await examine({ JWT_SECRET });
  expect(findings).toMatchObject([{ check: 'token secrets', verdict, found: expect.stringMatching(found) }]);
  expect(JSON.stringify(findings)).not.toMatch(/aaaa|bbbb|short-one/);
});
