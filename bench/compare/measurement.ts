/** Compiles the measuring programs, and runs one for each measurement. */
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { buildService } from '../support/build.ts';
import { type Figures, figuresSchema, type Job } from './job.ts';

const ROOT = new URL('../../', import.meta.url);
const MAX_MEASUREMENT_MS = 300_000;

const path = (name: string) => new URL(name, ROOT).pathname;

/**
 * Compiles ours as it is shipped, and the peers and the load with the same compiler: tsx would cost them time at each
 * call.
 */
export function compile(): void {
  buildService();
  rmSync(path('bench/compare/dist'), { recursive: true, force: true });
  const options = { cwd: path('.'), stdio: 'inherit' } as const;
  execFileSync(path('node_modules/.bin/tsc'), ['-p', 'bench/compare/tsconfig.json'], options);
  for (const name of readdirSync(path('src/pipeline/inbox'))) {
    if (name.endsWith('.lua'))
      cpSync(path(`src/pipeline/inbox/${name}`), path(`bench/compare/dist/src/pipeline/inbox/${name}`));
  }
}

/** @throws {Error} when the measurement failed; the program has printed the reason on stderr */
export async function measure(job: Job): Promise<Figures> {
  return figuresSchema.parse(await answerOf('compare/measure', job));
}

/** Runs a compiled program with the question, and returns its answer. @throws {Error} when the program failed */
export async function answerOf(program: string, question: unknown): Promise<unknown> {
  const child = fork(path(`bench/compare/dist/bench/${program}.js`), [JSON.stringify(question)], {
    execArgv: [],
    timeout: MAX_MEASUREMENT_MS,
    killSignal: 'SIGKILL',
  });
  let told: unknown;
  child.once('message', (message) => {
    told = message;
  });
  const [code, signal] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${program} failed (${code ?? signal}) at ${JSON.stringify(question)}`);
  return told;
}
