/**
 * `npm run test:faults`: every fault once. `-- --long`: some of them more often. `-- --minutes 10`: faults drawn at
 * random for so long, and `--seed` with the number that such a run printed draws the same ones again.
 * Other arguments name files, as vitest takes them.
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
