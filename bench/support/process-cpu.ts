/** Reads the CPU time of other processes and of the whole machine, as the system counts it. */
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { withDescendants } from '../../test/support/process-table.ts';
import { finite } from './figures.ts';

/** User and system time over all threads of the process. Linux only. @throws {Error} when there is no such process */
export function cpuMicrosOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, thread) => sum + threadMicros(pid, thread), 0);
}

/** Reads schedstat, because the times in `stat` are rounded to hundredths of a second. */
function threadMicros(pid: number, thread: string): number {
  const [nanos] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
  return finite(Number(nanos)) / 1_000;
}

/**
 * The process that has worked most, among a server and its descendants: a script or a container may have started the
 * server.
 */
export function workerOf(pid: number): number {
  const [most] = withDescendants(pid)
    .map((member) => ({ member, micros: cpuMicrosIfThere(member) }))
    .toSorted((a, b) => b.micros - a.micros);
  return most?.member ?? pid;
}

function cpuMicrosIfThere(pid: number): number {
  try {
    return cpuMicrosOf(pid);
  } catch {
    return 0;
  }
}

/** All cores of the machine together: the time that was used, and the time that there was. */
export function machineMicros(): { readonly used: number; readonly all: number } {
  const times = cpus().map(({ times }) => times);
  const sum = (of: (core: (typeof times)[number]) => number) =>
    times.reduce((total, core) => total + of(core), 0) * 1_000;
  const used = sum(({ user, nice, sys, irq }) => user + nice + sys + irq);
  return { used, all: used + sum(({ idle }) => idle) };
}
