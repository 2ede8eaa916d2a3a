/** Tells which processes run, and which ones a given process has started. */
import { readdirSync, readFileSync } from 'node:fs';

interface Process {
  readonly state: string;
  readonly parent: number;
}

/** Works on Linux only. Undefined elsewhere, and for a process that is gone. */
function readProcess(pid: number): Process | undefined {
  try {
    // "pid (name) state parent ...". The name may contain anything, even a parenthesis.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // An ended process stays in the table until its parent waits for it. In a container, there may be no such parent.
  const state = readProcess(pid)?.state;
  return state !== 'Z' && state !== 'X';
}

/**
 * The process and everything that it has started, including processes that left its process group. Outside of Linux,
 * the process alone.
 */
export function withDescendants(pid: number): readonly number[] {
  let pids: number[] = [];
  try {
    pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    // There is no /proc. RabbitMQ's helpers end by themselves when the node ends.
  }
  const parents = new Map(pids.map((candidate) => [candidate, readProcess(candidate)?.parent]));
  const family = [pid];
  for (const member of family) {
    family.push(...pids.filter((candidate) => parents.get(candidate) === member));
  }
  return family;
}
