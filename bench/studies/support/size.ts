/**
 * Chooses the size of a study. `--smoke` shows in seconds that the study still runs and finds its figures: the same
 * code with small numbers, and nothing is written to bench/results. Every process of a study MUST get {@link
 * smokeArguments}.
 */

export const isSmoke = process.argv.includes('--smoke');

export const smokeArguments: readonly string[] = isSmoke ? ['--smoke'] : [];

export function sized<T>(full: T, smoke: T): T {
  return isSmoke ? smoke : full;
}
