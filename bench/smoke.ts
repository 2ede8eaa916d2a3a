/**
 * `npm run bench:smoke`: do all benches still run, and find their figures? Runs each with `--smoke`, one after the other:
 * small numbers, the same code, nothing written to bench/results. The first that fails ends it.
 */
import { startRabbitMq } from '../test/support/rabbitmq.ts';
import { BUILT, buildService } from './support/build.ts';
import { programOf, runBench, STUDIES } from './support/programs.ts';
import { shared } from './support/rabbitmq.ts';

const BENCHES: readonly (readonly [program: string, ...parts: string[]])[] = [
  ['compare.ts'],
  ['versions.ts', '.', '.,CANARY_SECONDS=0'],
  ...STUDIES.map((name) => [programOf(name)] as const),
];

buildService();
const rabbitMq = await startRabbitMq();
try {
  const env = { ...process.env, [BUILT]: '1', ...shared(rabbitMq) };
  for (const [program, ...parts] of BENCHES) {
    const startMs = performance.now();
    await runBench(program, [...parts, '--smoke'], env);
    console.error(
      `\nbench/${program} ran through in ${((performance.now() - startMs) / 1_000).toFixed(1)} s\n`,
    );
  }
} finally {
  await rabbitMq.stop();
}
