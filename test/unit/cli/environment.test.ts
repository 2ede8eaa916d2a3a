/** Tokens that commands sign are believed by the service with the same variables, whatever its claims are called. */
import { expect, test } from 'vitest';
import { sign } from '../../../src/cli/environment.ts';
import { readConfig } from '../../../src/config/config.ts';
import { claimNamesOf } from '../../../src/config/token-variables.ts';
import { createVerify } from '../../../src/operate/access/tokens.ts';

const SECRET = 'a-secret-of-more-than-32-characters';

test.for<Record<string, string>>([
  {},
  { JWT_CLAIM_USER: 'oid', JWT_CLAIM_SCOPE: 'resource_access.carillon.roles' },
  {
    JWT_CLAIM_USER: 'https://example.com/user',
    JWT_CLAIM_DEPARTMENTS: 'groups',
    JWT_SCOPE_PREFIX: 'carillon/',
  },
  { JWT_CLAIM_TOPICS: 'a.b', JWT_CLAIM_SCOPE: 'cognito:groups', JWT_SCOPE_PREFIX: 'c.', JWT_AUDIENCE: 'x' },
])('with %j', async (variables) => {
  const environment = { JWT_SECRET: SECRET, ...variables };
  const claims = { sub: 'u1', departments: ['a', 'b'], topics: ['t.*'], scope: 'events:write admin' };
  const token = await sign(claims, 60, environment);
  const config = readConfig(environment);
  const verify = createVerify({
    keys: { secrets: [{ secret: SECRET }] },
    issuer: config.JWT_ISSUER,
    audience: config.JWT_AUDIENCE,
    clockSkewSeconds: 5,
    claimNames: claimNamesOf(config),
  });
  expect(await verify(token)).toMatchObject({
    ok: true,
    identity: {
      user: 'u1',
      departments: ['a', 'b'],
      topics: ['t.*'],
      scopes: ['events:write', 'admin'],
    },
  });
});

test('a malformed name of a claim is reported, and nothing is signed', async () => {
  await expect(sign({ sub: 'u1' }, 60, { JWT_SECRET: SECRET, JWT_CLAIM_USER: 'a..b' })).rejects.toThrow(
    'JWT_CLAIM_',
  );
});
