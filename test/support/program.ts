/** Runs a program as somebody would in a terminal, who types lines and reads lines. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { guard } from './guard.ts';
import { until } from './until.ts';

/** Shorter than a test may take, so that the error names what the test was waiting for. */
const TIMEOUT_MS = 50_000;

export interface Program {
  readonly lines: readonly string[];
  /** The lines that the program has written to standard error. */
  readonly errors: readonly string[];
  write(text: string): void;
  /** Resolves when `count` lines match. */
  prints(pattern: RegExp, count?: number): Promise<void>;
  /** Closes the input, and resolves with the exit code. */
  end(): Promise<number | null>;
  /** Sends Ctrl-C to the program and to everything that it has started. Resolves when all of them have ended. */
  interrupt(): Promise<void>;
  /** Ends the program, and resolves when it has ended. */
  stop(): Promise<void>;
}

export function startProgram(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd?: string,
): Program {
  // The program gets a process group of its own, as in a terminal, so that one signal reaches all of it.
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, ...env },
    ...(cwd === undefined ? {} : { cwd }),
    detached: true,
    stdio: 'pipe',
  });
  const dismissGuard = guard('kill -s KILL -- "-$1"', String(child.pid));
  const ended = once(child, 'close').then(dismissGuard);
  const [lines, errors]: [string[], string[]] = [[], []];
  const signalGroup = (signal: NodeJS.Signals) => {
    // Once the program has ended, another one may get its id.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, signal);
  };
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
  return {
    lines,
    errors,
    write: (text) => void child.stdin.write(text),
    async prints(pattern, count = 1) {
      const fitting = () => lines.filter((line) => pattern.test(line)).length;
      await until(`${count} lines like ${pattern} of ${command} ${args.join(' ')}`, TIMEOUT_MS, () => {
        if (fitting() < count && child.exitCode !== null) {
          throw new Error(`${command} has ended: ${[...lines, ...errors].join('\n')}`);
        }
        return fitting() >= count;
      });
    },
    async end() {
      child.stdin.end();
      await ended;
      return child.exitCode;
    },
    async interrupt() {
      signalGroup('SIGINT');
      await ended;
    },
    async stop() {
      signalGroup('SIGTERM');
      await ended;
    },
  };
}
