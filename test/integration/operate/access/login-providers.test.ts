/** Tokens of Auth0, Keycloak, Entra ID and Cognito get in as who they say, with what they allow and nothing else. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CarillonProcess, startCarillon } from '../../../support/carillon.ts';
import { connectClient, refusalOf } from '../../../support/client.ts';
import { KeyProvider } from '../../../support/key-provider.ts';
import { type LoginProvider, loginProviders, type ProviderToken } from '../../../support/provider-tokens.ts';
import { until } from '../../../support/until.ts';

const KEY = 'rsa-1';

let keys: KeyProvider;

beforeAll(async () => {
  keys = await KeyProvider.create();
  await keys.addKey(KEY, 'RS256');
  await keys.start();
});
afterAll(() => keys.stop());

function signed({ header, claims }: Pick<ProviderToken, 'header' | 'claims'>, changed: object = {}) {
  const nowSeconds = Math.floor(Date.now() / 1_000);
  return keys.sign(KEY, { iat: nowSeconds, exp: nowSeconds + 3_600, ...claims, ...changed }, header);
}

const statusOf = async (url: string, token: string, init: RequestInit = {}) => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/cloudevents+json' };
  const response = await fetch(url, { ...init, headers });
  await response.body?.cancel();
  return response.status;
};

const anEvent = (user: string) =>
  JSON.stringify({
    specversion: '1.0',
    id: crypto.randomUUID(),
    source: '/test',
    type: 'a.b',
    audience: [`user:${user}`],
    data: {},
  });

describe.for(loginProviders)('$name', ({ settings, tokens }: LoginProvider) => {
  let carillon: CarillonProcess;
  beforeAll(async () => {
    carillon = await startCarillon({ JWKS_URL: keys.url, ...settings });
  });
  afterAll(() => carillon.stop());

  test.for(tokens)('a token $name', async (given) => {
    const { user, departments, mayPublish, isAdmin } = given;
    const token = await signed(given);
    const client = connectClient(carillon.url, token);
    const session = await client.session();
    expect(session).toMatchObject({ user, departments });
    const body = anEvent(user);
    expect(await statusOf(`${carillon.url}/v1/events`, token, { method: 'POST', body })).toBe(
      mayPublish ? 202 : 403,
    );
    if (mayPublish) expect(await client.received(1)).toMatchObject([{ audience: `user:${user}` }]);
    expect(await statusOf(`${carillon.url}/v1/inbox`, token)).toBe(200);
    const sessions = `/admin/users/${encodeURIComponent(user)}/sessions`;
    expect(await statusOf(`${carillon.opsUrl}${sessions}`, token)).toBe(isAdmin ? 200 : 403);
    client.close();
  });

  test('a user is sent away, and found, by the id that the claim gives', async () => {
    const given = tokens[0];
    const operator = tokens.find(({ isAdmin }) => isAdmin);
    if (given === undefined || operator === undefined) throw new Error('there are no such tokens');
    const token = await signed(given);
    const client = connectClient(carillon.url, token);
    await client.session();
    const byAdmin = await signed(operator);
    const of = (what: string) => `${carillon.opsUrl}/admin/users/${encodeURIComponent(given.user)}/${what}`;
    expect(await statusOf(of('sessions'), byAdmin)).toBe(200);
    const notBefore = new Date(Date.now() + 1_000).toISOString();
    const response = await fetch(of('disconnect'), {
      method: 'POST',
      headers: { authorization: `Bearer ${byAdmin}`, 'content-type': 'application/json' },
      body: JSON.stringify({ notBefore }),
    });
    expect(response.status).toBe(202);
    await until('the client to be sent away', 20_000, () => client.goaways.length > 0);
    expect(client.goaways).toMatchObject([{ code: 'token_revoked' }]);
    expect((await refusalOf(connectClient(carillon.url, token))).message).toBe('unauthorized');
    client.close();
  });

  test('a token of another issuer is refused as any other, and the log says which claim and why', async () => {
    const given = tokens[0];
    if (given === undefined) throw new Error('there are no tokens');
    const token = await signed(given, { iss: 'https://elsewhere.example/' });
    const refusal = await refusalOf(connectClient(carillon.url, token));
    expect(refusal).toMatchObject({ message: 'unauthorized', data: { code: 'unauthorized' } });
    expect(refusal.data).not.toHaveProperty('message');
    const said = 'claim iss is not what is asked for: it is';
    await until('the line', 20_000, () => carillon.output.some((line) => line.includes(said)));
    const [line = ''] = carillon.output.filter((text) => text.includes(said));
    expect(line).toContain('https://elsewhere.example/');
    expect(line).toContain(`JWT_ISSUER is \\"${settings.JWT_ISSUER}\\"`);
    expect(carillon.output.join('')).not.toContain(token.split('.')[2]);
  });
});
