/** The tests on the next servers in CI: what is not run is said, and is no failure. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';

/** Where neither `unshare` nor `debootstrap` can be had. */
function testNext(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'scripts/test-next.ts', ...args],
    { encoding: 'utf8', env: { PATH: '', NEXT_SERVERS_ROOT: `${tmpdir()}/nowhere` } },
  );
  return { status, stdout, lines: stderr.trim().split('\n') };
}

test('where they cannot be run one line says why: CI goes on, and whoever asked for them is failed', () => {
  const tried = testNext('--short', '--where-possible');
  const line = expect.stringMatching(/^npm run test:next: nothing was run on RabbitMQ 4 and Valkey 8: \S+/);
  expect(tried).toEqual({ status: 0, stdout: '', lines: [line] });
  expect(testNext('--short')).toEqual({ ...tried, status: 1 });
});

test('CI tries the short form', () => {
  expect(readFileSync('.ci/run', 'utf8')).toContain(
    '\nnpx tsx scripts/test-next.ts --short --where-possible\n',
  );
});
