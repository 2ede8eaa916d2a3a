/** A secret is replaced while clients are connected: nobody is logged out, and in the end the old one opens nothing. */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { signToken } from '../../../../src/operate/access/tokens.ts';
import { startCarillon } from '../../../support/carillon.ts';
import { connectClient, refusalOf, type TestClient } from '../../../support/client.ts';
import { KeyProvider } from '../../../support/key-provider.ts';
import { freshRedis, freshVhost } from '../../../support/servers.ts';

const [OLD, NEW] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')];

let backends: Readonly<Record<string, string>>;
let provider: KeyProvider;
let clients: TestClient[] = [];

beforeAll(async () => {
  backends = { AMQP_URL: await freshVhost(), REDIS_URL: await freshRedis() };
  provider = await KeyProvider.create();
  await provider.addKey('k1', 'ES256');
  await provider.start();
});
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});
afterAll(() => provider.stop());

const tokenOf = (secret: string, user: string, kid?: string) =>
  signToken({ secret, kid }, { sub: user }, 600);

/** Runs with these keys; each restart is a deploy. */
async function deployed<T>(keys: Readonly<Record<string, string>>, run: (url: string) => Promise<T>) {
  const carillon = await startCarillon({ ...backends, ...keys });
  try {
    return await run(carillon.url);
  } finally {
    await carillon.stop();
  }
}

async function enter(url: string, token: string) {
  const client = connectClient(url, token);
  clients.push(client);
  return (await client.session()).user;
}

async function refused(url: string, token: string) {
  const client = connectClient(url, token);
  clients.push(client);
  return (await refusalOf(client)).message;
}

test('a secret is replaced by another without a logout', async () => {
  const ada = await tokenOf(OLD, 'ada');
  await deployed({ JWT_SECRET: OLD }, async (url) => expect(await enter(url, ada)).toBe('ada'));
  const bob = await tokenOf(NEW, 'bob', 'new');
  await deployed({ JWT_SECRET: `new:${NEW},${OLD}` }, async (url) => {
    // She comes back with the token that she has; he has logged in since.
    expect([await enter(url, ada), await enter(url, bob)]).toEqual(['ada', 'bob']);
    // A fresh token of the new secret goes on with the session of the old one.
    const [first] = clients.slice(-2);
    expect(await first?.ask('authenticate', { token: await tokenOf(NEW, 'ada', 'new') })).toEqual({
      expiresAt: expect.any(String),
    });
  });
  await deployed({ JWT_SECRET: NEW }, async (url) => {
    expect([await enter(url, bob), await refused(url, ada)]).toEqual(['bob', 'unauthorized']);
  });
});

test('a shared secret is replaced by an identity provider without a logout', async () => {
  const ada = await tokenOf(OLD, 'ada');
  const bob = await provider.tokenOf('k1', 'bob');
  await deployed({ JWT_SECRET: OLD, JWKS_URL: provider.url }, async (url) => {
    expect([await enter(url, ada), await enter(url, bob)]).toEqual(['ada', 'bob']);
  });
  await deployed({ JWKS_URL: provider.url }, async (url) => {
    expect([await enter(url, bob), await refused(url, ada)]).toEqual(['bob', 'unauthorized']);
  });
});
