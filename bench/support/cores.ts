/** Gives the measured process a core to itself, where there are two. */
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { findOnPath } from '../../test/support/programs.ts';

/** For the measured process. Everything else, Redis included, runs on the other core. */
export const SERVER_CORE = '0';
export const OTHER_CORE = '1';

export const taskset = availableParallelism() >= 2 ? findOnPath('taskset') : undefined;

export const isPinned = taskset !== undefined;

/** Moves this process off the measured core. Processes that it starts from now on inherit this. */
export function moveAside(): void {
  if (taskset === undefined) return;
  execFileSync(taskset, ['-a', '-c', '-p', OTHER_CORE, String(process.pid)], { stdio: 'ignore' });
}
