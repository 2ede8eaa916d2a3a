/**
 * `npm run bench:smoke`: do all benches still run, and do they find their figures? Runs each with `--smoke`: the same
 * code with small numbers, and nothing is written to bench/results. The first one that fails ends the run.
 */
import { startRabbitMq } from '../test/support/rabbitmq.ts';
import { BUILT, buildService } from './support/build.ts';
import { programOf, runBench, STUDIES } from './support/programs.ts';
import { shared } from './support/rabbitmq.ts';

type Bench = readonly [program: string, ...parts: string[]];

/**
 * Two rows that take about the same time run beside each other. A smoke run mostly waits, and its figures do not count.
 */
const ROWS: readonly (readonly Bench[])[] = [
  [['compare.ts']],
  [['versions.ts', '.', '.,CANARY_SECONDS=0'], ...STUDIES.map((name) => [programOf(name)] as const)],
];

buildService();
const rabbitMq = await startRabbitMq();
const failure = new AbortController();
const env = { ...process.env, [BUILT]: '1', ...shared(rabbitMq) };

async function run(row: readonly Bench[]): Promise<void> {
  for (const [program, ...parts] of row) {
    const startMs = performance.now();
    await runBench(program, [...parts, '--smoke'], { env, signal: failure.signal });
    const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
    console.error(`\nbench/${program} ran through in ${seconds} s\n`);
  }
}

const rows = ROWS.map(run);
try {
  await Promise.all(rows);
} finally {
  failure.abort();
  await Promise.allSettled(rows);
  await rabbitMq.stop();
}
