/**
 * Whether the times in a token can be believed. Revocation and the longest life of a token are judged by `iat`, so a
 * token that claims to be from the future, or counts in milliseconds, would evade both.
 */

export interface TokenTimes {
  /** Both in seconds since 1970, as RFC 7519 has it. */
  readonly iat?: number | undefined;
  readonly exp: number;
}

/** No moment in seconds of the next 3,000 years is as large, and each one in milliseconds since 1973 is. */
const FIRST_MILLISECONDS = 100_000_000_000;

/** What is wrong, for the log; undefined when nothing is. */
export function faultOfTimes(
  { iat, exp }: TokenTimes,
  clockSkewSeconds: number,
  nowMs: number,
): string | undefined {
  if (exp >= FIRST_MILLISECONDS) return 'claim exp: it is in milliseconds, and must be in seconds';
  if (iat === undefined) return undefined;
  if (Math.abs(iat) >= FIRST_MILLISECONDS) return 'claim iat: it is in milliseconds, and must be in seconds';
  // Whole seconds, as with exp and nbf: an issuer may round to the end of the present one.
  const aheadSeconds = Math.floor(iat) - Math.floor(nowMs / 1000);
  if (aheadSeconds <= clockSkewSeconds) return undefined;
  return `claim iat: it is ${aheadSeconds} s in the future; JWT_CLOCK_SKEW_SECONDS allows ${clockSkewSeconds}`;
}
