/** Builds the service as it is shipped, before it is measured. */
import { execFileSync } from 'node:child_process';

/** Set by what runs several benches one after the other: it has built the service for all of them. */
export const BUILT = 'BENCH_BUILT';

export function buildService(): void {
  if (process.env[BUILT] !== undefined) return;
  const root = new URL('../../', import.meta.url).pathname;
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
}
