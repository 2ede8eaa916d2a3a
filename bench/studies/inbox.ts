/**
 * What do recovery and the inbox cost, in time and memory? The study measures on a private Redis, with each program in
 * a process of its own. A run of everything takes three minutes, and writes the table to bench/results/inbox.md.
 *
 *     npm run bench:inbox
 *     npm run bench:inbox -- append list     only these     --smoke   does it run?
 */
import { cpus } from 'node:os';
import { Redis } from 'ioredis';
import { startRedis } from '../../test/support/redis.ts';
import { isPinned, moveAside } from '../support/cores.ts';
import { markdown } from '../support/markdown.ts';
import type { Fact } from './inbox/facts.ts';
import { compilePrograms, runProgram } from './inbox/program.ts';
import { chosenOf, publish } from './support/study.ts';

const PROGRAMS = ['sync', 'append', 'list', 'counts', 'check', 'memory'];

const [{ model = 'unknown' } = {}, ...others] = cpus();
const chosen = chosenOf(PROGRAMS);
compilePrograms();
moveAside();
const server = await startRedis();
try {
  const facts: Fact[] = [];
  for (const name of chosen) {
    facts.push(...(await runProgram(name, server.url)));
    console.error(`measured: ${name}`);
  }
  publish('inbox.md', `${heading(await redisVersion())}\n${table(facts)}\n`);
} finally {
  await server.stop();
}

function heading(redis: string): string {
  const cores = `${1 + others.length} cores${isPinned ? ', the measured process alone on one of them' : ''}`;
  return `\`npm run bench:inbox\`: ${model}, ${cores}; Node ${process.version}, Redis ${redis}; ${today()}\n`;
}

function table(facts: readonly Fact[]): string {
  const rows = facts.map(({ what, measured, target }) => {
    const verdict = target === undefined ? '' : target.met ? 'met' : '**missed**';
    return [what, measured, target?.text ?? '', verdict];
  });
  return markdown(['what', 'measured (medians)', 'target', ''], rows);
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

async function redisVersion(): Promise<string> {
  const redis = new Redis(server.url);
  const version = /^redis_version:(\S+)/m.exec(await redis.info('server'))?.[1] ?? 'unknown';
  redis.disconnect();
  return version;
}
