/**
 * A terminal for the shell commands in documents, in a folder that looks like Carillon's. There, `npm run build` does
 * nothing: the tests run the built files, and these must not change during the tests.
 */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Program, startProgram } from './program.ts';
import { findPythonWith } from './programs.ts';

const ROOT = new URL('../../', import.meta.url).pathname;

export interface Terminal {
  readonly folder: string;
  /** Runs the code, up to the first command that fails. It is ended after the test. */
  run(code: string, env?: Readonly<Record<string, string>>, cwd?: string): Program;
  /** Starts a shell that reads commands. It is ended after the test. */
  shell(env?: Readonly<Record<string, string>>): Program;
}

/** The folder is removed when the test file's process ends. */
export function openTerminal(): Terminal {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-project-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const name of readdirSync(ROOT)) {
    if (name !== '.git' && name !== 'package.json') symlinkSync(join(ROOT, name), join(folder, name));
  }
  const manifest: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  );
  manifest.scripts.build = 'true';
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));

  const bin = mkdtempSync(join(tmpdir(), 'carillon-bin-'));
  process.once('exit', () => rmSync(bin, { recursive: true, force: true }));
  const program = (name: string, command: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\nexec ${command} "$@"\n`);
    chmodSync(join(bin, name), 0o755);
  };
  // The command that `npm link` would install.
  program('carillon', `"${process.execPath}" "${join(ROOT, 'dist/cli/main.js')}"`);
  // The first Python on the PATH may lack the packages that the examples need.
  program('python', findPythonWith('socketio, aiohttp') ?? 'python3');
  mkdirSync(join(bin, 'home'));

  const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = '') => {
    const all = {
      PATH: [bin, process.env.PATH].join(delimiter),
      HOME: join(bin, 'home'),
      npm_config_update_notifier: 'false',
      ...env,
    };
    const started = startProgram('sh', args, all, join(folder, cwd));
    onTestFinished(() => started.stop());
    return started;
  };
  return {
    folder,
    run: (code, env, cwd) => start(['-ec', code], env, cwd),
    shell: (env) => start(['-e'], env),
  };
}
