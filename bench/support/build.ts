/** Builds the service as it is shipped before a bench measures it. */
import { execFileSync } from 'node:child_process';

/** Set by a program that runs several benches in a row and has already built the service for all of them. */
export const BUILT = 'BENCH_BUILT';

export function buildService(): void {
  if (process.env[BUILT] !== undefined) return;
  const root = new URL('../../', import.meta.url).pathname;
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
}
