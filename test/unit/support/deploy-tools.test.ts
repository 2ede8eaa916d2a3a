/** The programs for the tests of deploy/ and ops/ in CI: what cannot be had is said, and is no failure. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFile } from '../../support/temporary-file.ts';

/** Where there is neither Go nor `apt-get`, and nothing was brought before. */
function bring(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'scripts/deploy-tools.ts', ...args],
    { encoding: 'utf8', env: { PATH: '', XDG_CACHE_HOME: dirname(temporaryFile('nothing', '')) } },
  );
  const why = stderr.split('\n').filter((line) => line.startsWith('scripts/deploy-tools.ts: '));
  return { status, stdout, why };
}

test('where they cannot be had each says why: CI goes on, and whoever asked for them is failed', () => {
  const tried = bring('--where-possible');
  const why = ['helm', 'manifest-check', 'promtool'].map((name) =>
    expect.stringMatching(new RegExp(`: no ${name}, what needs it is not tested: \\S+`)),
  );
  expect(tried).toEqual({ status: 0, stdout: '', why });
  expect(bring()).toEqual({ ...tried, status: 1 });
});

test('CI brings them before it runs the tests', () => {
  expect(readFileSync('.ci/run', 'utf8')).toMatch(
    /\nnpx tsx scripts\/deploy-tools.ts --where-possible\nnpx vitest run\n/,
  );
});
