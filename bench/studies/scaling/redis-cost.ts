/**
 * Measures what a run costs Redis, by Redis's own counters, which stay right when other processes use the same core.
 * Everywhere in this file, `observer` MUST be a connection of its own.
 */
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import type { Redis } from 'ioredis';
import { findOnPath } from '../../../test/support/programs.ts';
import { finite } from '../../support/figures.ts';

const REDIS_CORE = '1';
/** For the load: publishers, subscribers and this process. */
const LOAD_CORE = '0';

/** Puts Redis alone on one core, and everything else on the other. False when this machine cannot do so. */
export function pinApart(redisPid: number): boolean {
  const taskset = availableParallelism() >= 2 ? findOnPath('taskset') : undefined;
  if (taskset === undefined) return false;
  for (const [core, pid] of [
    [REDIS_CORE, redisPid],
    [LOAD_CORE, process.pid],
  ] as const) {
    execFileSync(taskset, ['-a', '-c', '-p', core, String(pid)], { stdio: 'ignore' });
  }
  return true;
}

export interface RedisCost {
  /** CPU time of Redis, user and system, over all its threads. */
  readonly cpuMicros: number;
  readonly elapsedMs: number;
}

export async function redisCostOf(observer: Redis, run: () => Promise<unknown>): Promise<RedisCost> {
  const before = await cpuMicros(observer);
  const startMs = performance.now();
  await run();
  const elapsedMs = performance.now() - startMs;
  return { cpuMicros: (await cpuMicros(observer)) - before, elapsedMs };
}

async function cpuMicros(observer: Redis): Promise<number> {
  const info = await observer.info('cpu');
  return (numberIn(info, 'used_cpu_user') + numberIn(info, 'used_cpu_sys')) * 1e6;
}

/** Microseconds inside the command itself, without parsing and without writing to sockets. */
export async function microsPerCall(observer: Redis, command: string): Promise<number> {
  const info = await observer.info('commandstats');
  return finite(Number(new RegExp(`^cmdstat_${command}:.*usec_per_call=([\\d.]+)`, 'm').exec(info)?.[1]));
}

export async function infoNumber(observer: Redis, section: string, name: string): Promise<number> {
  return numberIn(await observer.info(section), name);
}

function numberIn(info: string, name: string): number {
  return finite(Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]));
}
