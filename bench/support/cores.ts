/** A core for the measured process alone, where there are two. */
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { findOnPath } from '../../test/support/programs.ts';

/** Of the measured process; everything else, Redis too, runs on the other one. */
export const SERVER_CORE = '0';
export const OTHER_CORE = '1';

export const taskset = availableParallelism() >= 2 ? findOnPath('taskset') : undefined;

export const isPinned = taskset !== undefined;

/** Leaves the measured core to the measured process. Processes started from here on inherit it. */
export function moveAside(): void {
  if (taskset === undefined) return;
  execFileSync(taskset, ['-a', '-c', '-p', OTHER_CORE, String(process.pid)], { stdio: 'ignore' });
}
