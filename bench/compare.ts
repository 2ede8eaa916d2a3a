/**
 * `npm run bench` compares Carillon with stock Socket.IO and raw ws, on the same work in one run. It prints the tables.
 * A run of everything also writes them to bench/results/compare.md, with a chart beside it.
 *
 *     npm run bench -- --only a,b   some of the works     --repeat 5   more than 3 of each     --smoke   does it run?
 *     npm run bench -- --only partitions   a study, as `npm run bench:partitions` runs it
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis } from '../test/support/redis.ts';
import { chart } from './compare/chart.ts';
import type { ContestantName, Figures } from './compare/job.ts';
import { compile, measure } from './compare/measurement.ts';
import { readOptions } from './compare/options.ts';
import { checkComplete, type Result, resultOf } from './compare/results.ts';
import { figuresTable, targetsTable } from './compare/table.ts';
import { mostSockets, type Work, worksOf } from './compare/works.ts';
import { isPinned, moveAside, SERVER_CORE } from './support/cores.ts';
import { emptied } from './support/emptied.ts';
import { checkOpenFiles, describeMachine } from './support/machine.ts';
import { programOf, runBench, STUDIES } from './support/programs.ts';
import { openRabbitMq } from './support/rabbitmq.ts';

const RESULTS = new URL('results/', import.meta.url);

const args = process.argv.slice(2);
const letters = [...new Set(worksOf(false).map(({ letter }) => letter))];
const { repeat, only, smoke } = readOptions(args, letters, STUDIES);
const works = worksOf(smoke).filter(({ letter }) => only === undefined || only.includes(letter));
for (const study of STUDIES.filter((name) => only?.includes(name)))
  await runBench(programOf(study), smoke ? ['--smoke'] : []);
if (works.length === 0) process.exit();
checkOpenFiles(mostSockets(works));

compile();
moveAside();
const folder = mkdtempSync(join(tmpdir(), 'carillon-bench-'));
const [redis, rabbitMq] = await Promise.all([startRedis(), openRabbitMq()]);
let measurements = 0;
try {
  const results: Result[] = [];
  for (const work of works) {
    const result = await compareOn(work);
    results.push(result);
    console.log(`\n${figuresTable([result])}\n`);
  }
  const machine = await describeMachine(redis.url, rabbitMq.management, isPinned);
  const text = report(results, machine);
  console.log(`\n${text}`);
  if (only === undefined && !smoke) {
    mkdirSync(RESULTS, { recursive: true });
    writeFileSync(new URL('compare.md', RESULTS), text);
    writeFileSync(new URL('compare.svg', RESULTS), chart(results));
  }
} finally {
  await Promise.all([redis.stop(), rabbitMq.stop()]);
  rmSync(folder, { recursive: true, force: true });
}

/** The contestants take turns, so that other load on the machine affects all alike. */
async function compareOn(work: Work): Promise<Result> {
  const measured = new Map<ContestantName, Figures[]>();
  for (let round = 0; round < repeat; round += 1) {
    for (const contestant of work.contestants) {
      const figures = await measureOnce(work, contestant);
      measured.set(contestant, [...(measured.get(contestant) ?? []), figures]);
      console.error(`${work.title}, ${contestant}: ${JSON.stringify(figures)}`);
    }
  }
  const result = resultOf(work, measured);
  checkComplete(result);
  return result;
}

async function measureOnce({ plan }: Work, contestant: ContestantName): Promise<Figures> {
  measurements += 1;
  return await measure({
    contestant,
    plan,
    ...(await emptied(redis, rabbitMq)),
    ...(isPinned ? { serverCore: SERVER_CORE } : {}),
    logFile: join(folder, `server-${measurements}.log`),
  });
}

function report(results: readonly Result[], machine: readonly string[]): string {
  const command = ['npm run bench', ...(args.length === 0 ? [] : ['--', ...args])].join(' ');
  const date = new Date().toISOString().slice(0, 10);
  return [
    `\`${command}\`, ${date}. Medians of ${repeat}.`,
    ...machine,
    'Stock is Socket.IO with its sharded Redis adapter and JWT authentication; with deflate: `perMessageDeflate: { threshold: 512 }`, so that every measured notification is compressed. Its `pingTimeout` is 120 s instead of 20 s: with the default, stock with deflate sends clients away during the burst. Carillon runs with its defaults: inbox and deflate on.',
    // The small amount of work in a smoke run says nothing about costs.
    ...(smoke || works.every(({ targets }) => targets.length === 0) ? [] : [targetsTable(results)]),
    figuresTable(results),
    '',
  ].join('\n\n');
}
