/**
 * What a run costs Redis, by Redis' own counters: they stay true when other processes want the same core.
 * `observer` MUST be a connection of its own everywhere here.
 */
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import type { Redis } from 'ioredis';
import { findOnPath } from '../../../test/support/programs.ts';
import { finite } from '../../support/figures.ts';

const REDIS_CORE = '1';
/** Of the load: publishers, subscribers and this process. */
const LOAD_CORE = '0';

/** Redis alone on one core, all else on the other. False when this machine can't. */
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
  /** Of Redis, user and system, all its threads. */
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

/** Microseconds inside the command itself: no parsing, no writing to sockets. */
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
