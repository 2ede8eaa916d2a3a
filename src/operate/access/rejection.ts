/** Why a token is not believed, for the log: which claim, what it says and what was asked for; never the token itself. */
import { errors } from 'jose';

export interface Asked {
  readonly issuer?: string;
  readonly audience?: string;
  readonly currentDate: Date;
}

/** Of what a claim says: a provider may write anything. */
const MAX_SHOWN = 200;

export function rejectionOf(error: unknown, asked: Asked): string {
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) {
    const { code, claim, reason, payload } = error;
    const what = REASONS[reason] ?? 'is not valid';
    const expected = expectationOf(claim, asked);
    if (reason === 'missing')
      return `${code}: claim ${claim} ${what}${expected === '' ? '' : `; ${expected}`}`;
    const detail = [saidBy(claim, payload[claim], asked), expected].filter((part) => part !== '');
    return `${code}: claim ${claim} ${what}${detail.length === 0 ? '' : `: ${detail.join('; ')}`}`;
  }
  if (error instanceof errors.JWSInvalid) return `${error.code}: it is no signed JWT of three parts`;
  return error instanceof errors.JOSEError ? error.code : 'the token could not be read';
}

const REASONS: Readonly<Record<string, string>> = {
  check_failed: 'is not what is asked for',
  missing: 'is missing',
  invalid: 'is malformed',
};

function expectationOf(claim: string, { issuer, audience }: Asked): string {
  if (claim === 'iss' && issuer !== undefined) return `JWT_ISSUER is ${shown(issuer)}`;
  if (claim === 'aud' && audience !== undefined) return `JWT_AUDIENCE is ${shown(audience)}`;
  return '';
}

function saidBy(claim: string, value: unknown, { currentDate }: Asked): string {
  const nowSeconds = Math.floor(currentDate.getTime() / 1000);
  if (claim === 'exp' && typeof value === 'number') return `it ended ${nowSeconds - Math.floor(value)} s ago`;
  if (claim === 'nbf' && typeof value === 'number') return `it begins in ${Math.floor(value) - nowSeconds} s`;
  return `it is ${shown(value)}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN).toWellFormed()}…` : text;
}
