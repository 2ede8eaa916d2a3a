/** The benches, each a program of its own: what there is in studies/, and how one is run. */
import { type ForkOptions, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';

const BENCH = new URL('../', import.meta.url);

/** As `npm run bench:` and `--only` name them. */
export const STUDIES: readonly string[] = readdirSync(new URL('studies/', BENCH))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length));

export function programOf(study: string): string {
  return `studies/${study}.ts`;
}

/** @throws {Error} when it fails: it has said why on stderr */
export async function runBench(
  program: string,
  args: readonly string[],
  options: Pick<ForkOptions, 'env' | 'signal'> = {},
): Promise<void> {
  const child = fork(new URL(program, BENCH), args, options);
  const [code, signal] = await once(child, 'exit');
  if (code !== 0) throw new Error(`bench/${program} failed (${code ?? signal})`);
}
