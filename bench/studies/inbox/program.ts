/** Starts the measuring programs, each as a compiled process with a core to itself where there are two. */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { OTHER_CORE, SERVER_CORE, taskset } from '../../support/cores.ts';
import { smokeArguments } from '../support/size.ts';
import { type Fact, factsSchema } from './facts.ts';

const ROOT = new URL('../../../', import.meta.url);
const MAX_RUN_MS = 300_000;

/**
 * Compiles the programs and everything that they import. The study has to measure the code that the compiler emits for
 * production: tsx calls a helper for every function that is created, and that costs as much as some of the measured
 * work.
 */
export function compilePrograms(): void {
  const path = (name: string) => new URL(name, ROOT).pathname;
  rmSync(path('bench/studies/inbox/dist'), { recursive: true, force: true });
  execFileSync(path('node_modules/.bin/tsc'), ['-p', path('bench/studies/inbox/tsconfig.json')], {
    stdio: 'inherit',
  });
  for (const name of readdirSync(path('src/pipeline/inbox'))) {
    if (name.endsWith('.lua'))
      cpSync(path(`src/pipeline/inbox/${name}`), path(`bench/studies/inbox/dist/src/pipeline/inbox/${name}`));
  }
}

export async function runProgram(name: string, redisUrl: string): Promise<readonly Fact[]> {
  const path = new URL(`bench/studies/inbox/dist/bench/studies/inbox/${name}.js`, ROOT).pathname;
  const how =
    taskset === undefined
      ? {}
      : {
          execPath: taskset,
          execArgv: ['-c', SERVER_CORE, process.execPath],
          env: { ...process.env, LOAD_CORE: OTHER_CORE },
        };
  const child = fork(path, [redisUrl, ...smokeArguments], { execArgv: [], timeout: MAX_RUN_MS, ...how });
  return await factsOf(name, child);
}

async function factsOf(name: string, child: ChildProcess): Promise<readonly Fact[]> {
  const exited = once(child, 'exit');
  const told = once(child, 'message').then(([message]) => factsSchema.parse(message));
  const facts = await Promise.race([
    told,
    exited.then(([code, signal]): never => {
      throw new Error(`${name} ended with ${code ?? signal} before it had told anything`);
    }),
  ]);
  await exited;
  return facts;
}
