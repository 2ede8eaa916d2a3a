/**
 * `npm run test:faults` runs every fault test once.
 * `-- --long` runs some of them more often.
 * `-- --minutes 10` draws faults at random for that long. With `--seed` and the number that such a run has printed, it
 * draws the same ones again.
 * Other arguments name files, as for vitest.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { long: { type: 'boolean' }, minutes: { type: 'string' }, seed: { type: 'string' } },
});
const { long, minutes, seed } = values;
const vitest = new URL('../node_modules/vitest/vitest.mjs', import.meta.url).pathname;
const files = minutes === undefined ? positionals : ['soak'];
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--config', 'vitest.faults.config.ts', ...files],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      ...(long ? { FAULTS_LONG: '1' } : {}),
      ...(minutes === undefined ? {} : { FAULTS_MINUTES: minutes }),
      ...(seed === undefined ? {} : { FAULTS_SEED: seed }),
    },
  },
);
process.exitCode = status ?? 1;
