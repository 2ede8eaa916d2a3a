/** JWT_SECRET: one secret or several, and what it meant before it could be several. */
import { describe, expect, test } from 'vitest';
import { faultInSecrets, secretsIn } from '../../../src/config/token-secrets.ts';

const [NEW, OLD] = ['n'.repeat(32), 'o'.repeat(32)];

describe('the secrets', () => {
  test.for<[string, string, object[]]>([
    ['one', NEW, [{ secret: NEW }]],
    ['two', `${NEW},${OLD}`, [{ secret: NEW }, { secret: OLD }, { secret: `${NEW},${OLD}` }]],
    ['spaces between', `${NEW}, ${OLD}`, [{ secret: NEW }, { secret: OLD }, { secret: `${NEW}, ${OLD}` }]],
    ['with a kid', `2026-11:${NEW}`, [{ kid: '2026-11', secret: NEW }, { secret: `2026-11:${NEW}` }]],
    [
      'one with a kid and one without',
      `a:${NEW},${OLD}`,
      [{ kid: 'a', secret: NEW }, { secret: OLD }, { secret: `a:${NEW},${OLD}` }, { secret: `a:${NEW}` }],
    ],
    ['a part that is too short', `${NEW},short`, [{ secret: `${NEW},short` }]],
    ['no kid before a short rest', `${NEW}:short`, [{ secret: `${NEW}:short` }]],
    ['an empty part', `${NEW},`, [{ secret: `${NEW},` }]],
  ])('%s', ([, text, secrets]) => {
    expect(secretsIn(text)).toEqual(secrets);
    expect(faultInSecrets(text)).toBeUndefined();
  });
});

test.for([
  ['short', 'must have at least 32 characters'],
  [Array.from({ length: 6 }, (_, i) => `${i}`.repeat(32)).join(), 'must be at most 5 secrets'],
])('a text that is refused says what would be right', ([text = '', fault = '']) => {
  expect(faultInSecrets(text)).toContain(fault);
});
