/** Runs a server as a child process. It ends with everything that it has started, even when this process dies. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { guard } from './guard.ts';
import { isRunning, withDescendants } from './process-table.ts';
import type { ServerProcess } from './server.ts';
import { until } from './until.ts';

const terminateTimeoutMs = 20_000;
const killTimeoutMs = 30_000;

export interface OwnProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** The working directory. It is removed if this process dies before it has ended the server. */
  readonly folder: string;
  readonly logFile: string;
  readonly startTimeoutMs: number;
  isReady(pid: number): Promise<boolean>;
}

/** A negative `target` is a process group. */
function signalIfThere(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch {
    // The process is gone already.
  }
}

function lastLines(path: string): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
}

/** Starts the program, and waits until it is ready. If it does not become ready, rejects with the end of its log. */
export async function startOwnProcess(options: OwnProcessOptions): Promise<ServerProcess> {
  const { command, args, env, folder, logFile } = options;
  const log = openSync(logFile, 'a');
  // Detached, so that a Ctrl-C in the terminal does not reach the server, and one signal reaches its whole process
  // group.
  const child = spawn(command, args, { cwd: folder, env, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  await once(child, 'spawn');
  const { pid = Number.NaN } = child;
  const dismissGuard = guard('kill -s KILL -- "-$1"; rm -rf -- "$2"', String(pid), folder);
  child.once('exit', dismissGuard);
  const hasExited = () => child.exitCode !== null || child.signalCode !== null;

  function signalGroup(signal: NodeJS.Signals): void {
    // Once the process has ended, another one may get its id.
    if (!hasExited()) signalIfThere(-pid, signal);
  }

  async function end(signal: 'SIGTERM' | 'SIGKILL', timeoutMs: number, family: readonly number[]) {
    signalGroup(signal);
    // A frozen process handles SIGTERM only after it continues.
    signalGroup('SIGCONT');
    if (signal === 'SIGKILL') for (const member of family) signalIfThere(member, signal);
    await until(`the end of ${command}`, timeoutMs, () => hasExited() && !family.some(isRunning));
  }

  const currentFamily = () => (hasExited() ? [] : withDescendants(pid));
  const kill = () => end('SIGKILL', killTimeoutMs, currentFamily());

  async function terminate() {
    const family = currentFamily();
    await end('SIGTERM', terminateTimeoutMs, family).catch(() => end('SIGKILL', killTimeoutMs, family));
  }

  try {
    await until(`${command} to be ready`, options.startTimeoutMs, async () => {
      if (hasExited()) throw new Error(`${command} ended before it was ready.`);
      return await options.isReady(pid);
    });
  } catch (error) {
    await kill();
    throw new Error(`${command} did not start. Its log ends with:\n${lastLines(logFile)}`, { cause: error });
  }

  return {
    pid,
    terminate,
    kill,
    pause: async () => signalGroup('SIGSTOP'),
    resume: async () => signalGroup('SIGCONT'),
  };
}
