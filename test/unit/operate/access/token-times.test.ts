/** The times in tokens: none that would evade a revocation or JWT_MAX_DAYS is believed, and the log says why. */
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { revocable } from '../../../../src/operate/access/revocable.ts';
import { createVerify } from '../../../../src/operate/access/tokens.ts';
import fc from '../../../support/fast-check.ts';

const SECRET = 'a-secret-of-more-than-32-characters';
const [NOW, HOUR, DAY] = [1_800_000_000, 3_600, 86_400];
const [SKEW, MAX_DAYS] = [5, 366];
const REVOKED_AT = NOW - 60;

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOW * 1000 }));
afterEach(() => void vi.useRealTimers());

/** As the service verifies, of a user whose tokens from before a minute ago are revoked, or of one who has no such. */
function verifyAs(isRevokedUser: boolean) {
  const verify = createVerify({
    keys: { secrets: [{ secret: SECRET }] },
    issuer: undefined,
    audience: undefined,
    clockSkewSeconds: SKEW,
  });
  const isRevoked = ({ issuedAtMs }: { readonly issuedAtMs: number }) =>
    isRevokedUser && issuedAtMs < REVOKED_AT * 1000;
  return revocable(verify, {
    revocations: { isKnown: true, isRevoked },
    maxLifetimeMs: MAX_DAYS * DAY * 1000,
  });
}

const signed = async (claims: Record<string, unknown>) =>
  await new SignJWT({ sub: 'u1', ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(SECRET));

const answerTo = async (claims: Record<string, unknown>, isRevokedUser = false) => {
  const verified = await verifyAs(isRevokedUser)(await signed(claims));
  return verified.ok ? 'ok' : `${verified.code}: ${verified.reason}`;
};

const future = (seconds: number) =>
  `unauthorized: claim iat: it is ${seconds} s in the future; JWT_CLOCK_SKEW_SECONDS allows 5`;
const milliseconds = (claim: string) =>
  `unauthorized: claim ${claim}: it is in milliseconds, and must be in seconds`;

test.for<[string, Record<string, unknown>, string]>([
  ['of now', { iat: NOW, exp: NOW + HOUR }, 'ok'],
  ['with a fraction of a second', { iat: NOW - 0.5, exp: NOW + HOUR + 0.25 }, 'ok'],
  ['without iat, of an hour', { exp: NOW + HOUR }, 'ok'],
  ['of a clock as far ahead as clocks may be', { iat: NOW + 5.9, exp: NOW + HOUR }, 'ok'],
  ['of a clock that is further ahead', { iat: NOW + 6, exp: NOW + HOUR }, future(6)],
  ['of tomorrow', { iat: NOW + DAY, exp: NOW + 2 * DAY }, future(DAY)],
  ['of after its own end', { iat: NOW + 2 * HOUR, exp: NOW + HOUR }, future(2 * HOUR)],
  ['all of it in milliseconds', { iat: NOW * 1e3, exp: (NOW + HOUR) * 1e3 }, milliseconds('exp')],
  ['iat in milliseconds', { iat: NOW * 1e3, exp: NOW + HOUR }, milliseconds('iat')],
  ['exp in milliseconds', { iat: NOW, exp: (NOW + HOUR) * 1e3 }, milliseconds('exp')],
  ['exp in milliseconds, without iat', { exp: (NOW + HOUR) * 1e3 }, milliseconds('exp')],
  ['exp in microseconds', { iat: NOW, exp: NOW * 1e6 }, 'unauthorized: claim exp: '],
  ['iat that is huge', { iat: 1e300, exp: NOW + HOUR }, 'unauthorized: claim iat: '],
  ['iat that is nothing', { iat: null, exp: NOW + HOUR }, 'claim iat is malformed'],
  ['iat in words', { iat: `${NOW}`, exp: NOW + HOUR }, 'claim iat is malformed'],
  [
    'iat of 1970',
    { iat: 0, exp: NOW + HOUR },
    'unauthorized: claim exp: it lives for 20833 days, longer than',
  ],
  [
    'iat before 1970',
    { iat: -NOW, exp: NOW + HOUR },
    'unauthorized: claim exp: it lives for 41667 days, longer than',
  ],
  ['that lives for too long', { iat: NOW, exp: NOW + 367 * DAY }, 'longer than JWT_MAX_DAYS'],
  ['without iat that lives for too long', { exp: NOW + 367 * DAY }, 'longer than JWT_MAX_DAYS'],
  ['of which exp is nothing', { iat: NOW, exp: null }, 'claim exp is malformed'],
  ['of which nbf is in milliseconds', { nbf: NOW * 1e3, exp: NOW + HOUR }, 'claim nbf is not what is asked'],
  ['that is not valid yet', { nbf: NOW + 6, exp: NOW + HOUR }, 'claim nbf is not what is asked'],
  ['of which nbf is long ago', { nbf: -1e9, exp: NOW + HOUR }, 'ok'],
])('a token %s', async ([, claims, answer]) => {
  expect(await answerTo(claims)).toContain(answer);
});

describe('of a user whose older tokens are revoked,', () => {
  test.for<[string, Record<string, unknown>, string]>([
    ['from before', { iat: REVOKED_AT - 1, exp: NOW + HOUR }, 'unauthorized: it is revoked'],
    ['from after', { iat: REVOKED_AT, exp: NOW + HOUR }, 'ok'],
    ['without iat', { exp: NOW + HOUR }, 'unauthorized: it is revoked'],
    ['with iat from the future', { iat: NOW + DAY, exp: NOW + 2 * DAY }, future(DAY)],
    ['with times in milliseconds', { iat: NOW * 1e3, exp: (NOW + HOUR) * 1e3 }, milliseconds('exp')],
  ])('one %s', async ([, claims, answer]) => {
    expect(await answerTo(claims, true)).toBe(answer);
  });
});

test('whatever the times are, what is let in was issued by now and ends within JWT_MAX_DAYS of that', async () => {
  const anyTime = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(NOW, 0, -1, NOW * 1e3, NOW * 1e6, 1e11, 1e11 - 1),
    fc.integer({ min: NOW - 400 * DAY, max: NOW + 400 * DAY }),
    fc.integer({ min: NOW - 10, max: NOW + 10 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.option(anyTime, { nil: undefined }), anyTime, async (iat, exp) => {
      const answer = await answerTo({ iat, exp });
      const isIssued = iat === undefined || Math.floor(iat) <= NOW + SKEW;
      const isAlive = exp > NOW - SKEW;
      const isShort = exp - (iat ?? NOW) <= MAX_DAYS * DAY;
      if (answer === 'ok') expect([isIssued, isAlive, isShort]).toEqual([true, true, true]);
      else expect([isIssued, isAlive, isShort]).toContain(false);
    }),
    { numRuns: 2_000 },
  );
});
