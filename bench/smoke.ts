/**
 * `npm run bench:smoke`: do all benches still run, and find their figures? Runs each with `--smoke`, one after the other:
 * small numbers, the same code, nothing written to bench/results. The first that fails ends it.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { startRabbitMq } from '../test/support/rabbitmq.ts';
import { BUILT, buildService } from './support/build.ts';
import { shared } from './support/rabbitmq.ts';

const STUDIES = readdirSync(new URL('studies/', import.meta.url)).filter((name) => name.endsWith('.ts'));
const BENCHES: readonly (readonly [program: string, ...parts: string[]])[] = [
  ['compare.ts'],
  ['versions.ts', '.', '.,CANARY_SECONDS=0'],
  ...STUDIES.map((name) => [`studies/${name}`] as const),
];

buildService();
const rabbitMq = await startRabbitMq();
try {
  const env = { ...process.env, [BUILT]: '1', ...shared(rabbitMq) };
  for (const [program, ...parts] of BENCHES) {
    const startMs = performance.now();
    const child = fork(new URL(`./${program}`, import.meta.url), [...parts, '--smoke'], { env });
    const [code, signal] = await once(child, 'exit');
    if (code !== 0) throw new Error(`bench/${program} failed (${code ?? signal})`);
    console.error(
      `\nbench/${program} ran through in ${((performance.now() - startMs) / 1_000).toFixed(1)} s\n`,
    );
  }
} finally {
  await rabbitMq.stop();
}
