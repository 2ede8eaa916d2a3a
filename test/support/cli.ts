/** Runs the command line as its users do: the built program in a process of its own, but not on a terminal. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const MAIN = new URL('../../dist/cli/main.js', import.meta.url).pathname;

export interface Ran {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}

type Environment = Readonly<Record<string, string>>;

export interface Running {
  /** The complete lines that the program has written to standard output so far. */
  readonly lines: () => readonly string[];
  readonly errors: () => string;
  readonly ended: Promise<Ran>;
  signal(signal: NodeJS.Signals): void;
}

/** Runs the program with nothing but this environment. */
export async function startCli(args: readonly string[], env: Environment, input = ''): Promise<Running> {
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: 'pipe' });
  await once(child, 'spawn');
  child.stdin.end(input);
  let [out, err] = ['', ''];
  // Decoding here keeps characters whole that arrive in two chunks.
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const ended = once(child, 'close').then(() => ({ exitCode: child.exitCode, out, err }));
  return {
    lines: () =>
      out
        .split('\n')
        .slice(0, -1)
        .filter((line) => line !== ''),
    errors: () => err,
    ended,
    signal: (signal) => child.kill(signal),
  };
}

export async function cli(args: readonly string[], env: Environment, input = ''): Promise<Ran> {
  return await (await startCli(args, env, input)).ended;
}
