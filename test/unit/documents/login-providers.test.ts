/** docs/login-providers.md: what it says to set is a configuration, and the one with which its tokens are tried. */
import { expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { fencedBlocksIn } from '../../support/fenced-blocks.ts';
import { loginProviders } from '../../support/provider-tokens.ts';

const backends = { AMQP_URL: 'amqp://127.0.0.1', REDIS_URL: 'redis://127.0.0.1' };

const blocks = fencedBlocksIn('docs/login-providers.md').map(({ code }) =>
  Object.fromEntries(
    code.split('\n').map((line) => {
      const [, name = '', value = ''] = /^(\w+)=(\S+)(?: +#.*)?$/.exec(line) ?? [];
      return [name, value];
    }),
  ),
);

test.for(loginProviders.map((provider, i) => ({ ...provider, documented: blocks[i] ?? {} })))(
  '$name',
  ({ settings, documented }) => {
    const { JWKS_URL, JWT_ISSUER, JWT_AUDIENCE, ...claims } = documented;
    const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, ...tried } = settings;
    expect(claims).toEqual(tried);
    expect([JWT_ISSUER !== undefined, JWT_AUDIENCE !== undefined]).toEqual([
      issuer !== undefined,
      audience !== undefined,
    ]);
    expect(readConfig({ ...backends, ...documented })).toMatchObject({ tokenKeys: { jwksUrl: JWKS_URL } });
  },
);
