/**
 * The size of a study. `--smoke` shows in seconds that it still runs and finds its figures: small numbers, the same code,
 * nothing written to bench/results. Every process of a study MUST be given {@link smokeArguments}.
 */

export const isSmoke = process.argv.includes('--smoke');

export const smokeArguments: readonly string[] = isSmoke ? ['--smoke'] : [];

export function sized<T>(full: T, smoke: T): T {
  return isSmoke ? smoke : full;
}
