/** Measures what recovery and the inbox cost, on a private Redis, and writes the table to bench/results/inbox.md. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Redis } from 'ioredis';
import { startRedis } from '../../test/support/redis.ts';
import type { Fact } from '../support/facts.ts';
import { compilePrograms, isPinned, moveAside, runProgram } from '../support/program.ts';

const PROGRAMS = ['sync', 'append', 'list', 'counts', 'check', 'memory'];
const RESULTS = new URL('../results/', import.meta.url);

const [{ model = 'unknown' } = {}, ...others] = cpus();
compilePrograms();
moveAside();
const server = await startRedis();
try {
  const facts: Fact[] = [];
  const chosen = process.argv.slice(2);
  for (const name of chosen.length > 0 ? chosen : PROGRAMS)
    facts.push(...(await runProgram(name, server.url)));
  const text = `${heading(await redisVersion())}\n${table(facts)}\n`;
  console.log(text);
  if (chosen.length === 0) {
    mkdirSync(RESULTS, { recursive: true });
    writeFileSync(new URL('inbox.md', RESULTS), text);
  }
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
    return `| ${what} | ${measured} | ${target?.text ?? ''} | ${verdict} |`;
  });
  return ['| what | measured (medians) | target | |', '|---|---|---|---|', ...rows].join('\n');
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
