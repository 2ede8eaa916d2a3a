/** Lists the benches, each of which is a program of its own, and runs one. */
import { type ForkOptions, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';

const BENCH = new URL('../', import.meta.url);

/** The names for `npm run bench:` and `--only`. */
export const STUDIES: readonly string[] = readdirSync(new URL('studies/', BENCH))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length));

export function programOf(study: string): string {
  return `studies/${study}.ts`;
}

/** @throws {Error} when the bench fails; it has printed the reason on stderr */
export async function runBench(
  program: string,
  args: readonly string[],
  options: Pick<ForkOptions, 'env' | 'signal'> = {},
): Promise<void> {
  const child = fork(new URL(program, BENCH), args, options);
  const [code, signal] = await once(child, 'exit');
  if (code !== 0) throw new Error(`bench/${program} failed (${code ?? signal})`);
}
