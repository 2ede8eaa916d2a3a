/** Forged tokens by the thousand, judged a second time by other code: nothing is believed that may not be. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Verify } from '../../../src/contract/token.ts';
import { KeySet } from '../../../src/operate/access/key-set.ts';
import { createVerify } from '../../../src/operate/access/tokens.ts';
import fc from '../../support/fast-check.ts';
import { countInputs } from '../../support/hostile.ts';
import { anyToken, type Forge, mayBeBelieved } from '../../support/token-forge.ts';
import { until } from '../../support/until.ts';

const tried = countInputs();
const forge: Forge = {
  secret: 'a-secret-of-more-than-32-characters',
  rsaKey: generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey,
  strangersKey: generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey,
  issuer: 'https://id.example',
  audience: 'carillon',
  nowSeconds: Math.floor(Date.now() / 1_000),
};
const key = { ...forge.rsaKey.export({ format: 'jwk' }), kid: 'k1' };
const publicKey = { kty: key.kty, n: key.n, e: key.e, kid: key.kid };
const keyServer = createServer((_request, response) => response.end(JSON.stringify({ keys: [publicKey] })));

let keySet: KeySet;
let verifiers: Readonly<Record<'secret' | 'keys', Verify>>;

beforeAll(async () => {
  await once(keyServer.listen(0, '127.0.0.1'), 'listening');
  const address = keyServer.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const checks = { issuer: forge.issuer, audience: forge.audience, clockSkewSeconds: 5 };
  keySet = new KeySet({ url: `http://127.0.0.1:${port}/`, log: pino({ level: 'silent' }) });
  await until('the keys to be fetched', 20_000, () => keySet.isFilled);
  verifiers = {
    secret: createVerify({ keys: { secrets: [{ secret: forge.secret }] }, ...checks }),
    keys: createVerify({ keys: { keySet }, ...checks }),
  };
});
afterAll(() => {
  keySet.close();
  keyServer.close();
});

test('what is believed may be, and all else is refused with a code and a reason that reveals nothing', async () => {
  const believed = { secret: 0, keys: 0 };
  await fc.assert(
    fc.asyncProperty(anyToken(forge), fc.constantFrom('secret', 'keys'), async (token, by) => {
      tried();
      const verified = await verifiers[by](token);
      if (verified.ok) {
        believed[by] += 1;
        expect(mayBeBelieved(token, by, forge)).toBe(true);
        const { user, departments, topics, scopes } = verified.identity;
        expect(user).toBe('u1');
        // Of what may be claimed there the forge knows no more that is good.
        expect(['sales', 'a b', 'a']).toEqual(expect.arrayContaining([...departments]));
        expect(['*', 'a']).toEqual(expect.arrayContaining([...topics]));
        expect(['admin']).toEqual(expect.arrayContaining([...scopes]));
        return;
      }
      expect(verified).toMatchObject({ ok: false, code: 'unauthorized', reason: expect.any(String) });
      // Only of what was signed rightly the bearer is told more.
      expect(verified.detail ?? 'claim').toMatch(/^claim/);
      expect(verified.reason.length).toBeLessThan(200);
      expect(verified.reason).not.toContain(forge.secret);
      expect(verified.reason).not.toMatch(/node_modules|\bat .*:\d+:\d+|\n/);
    }),
    { numRuns: 6_000 },
  );
  // Else nothing was tried.
  expect(Math.min(believed.secret, believed.keys)).toBeGreaterThan(20);
});
