/**
 * `npm run test:next` runs the integration and fault tests on the servers of the next Debian, RabbitMQ 4 and Valkey 8,
 * in place of this machine's.
 * `-- --short` runs only the tests that tell most about these servers, in less than a minute; `-- --faults` only the
 * fault tests. Other arguments name files, as for vitest. With `--where-possible`, a machine that cannot run them says
 * why and exits with 0.
 *
 * It needs root, and `debootstrap`, which it installs where `apt-get` has it. Once, it puts Debian 13 into a folder of
 * this system. It starts the servers there by chroot. Its mounts are in a namespace of their own and end with it.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const RELEASE = 'trixie';
const PACKAGES = 'rabbitmq-server,valkey-server';

/** Covers partitions, rights, broken links, the order that a consumer sees, and the scripts in Valkey. */
const SHORT = [
  'test/integration/pipeline/partitions.test.ts',
  'test/integration/adapters/rabbitmq/partition-rights.test.ts',
  'test/integration/adapters/rabbitmq/link.test.ts',
  'test/integration/adapters/rabbitmq/priorities.test.ts',
  'test/contract/redis-inbox.test.ts',
];

/** With `--where-possible`, nobody should wait any longer for a mirror. */
const LAYING_MS = 75_000;
const INSTALL_MS = 60_000;

class Impossible extends Error {}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: 'boolean', default: false },
    faults: { type: 'boolean', default: false },
    'where-possible': { type: 'boolean', default: false },
  },
});
const isOnlyTried = values['where-possible'];

try {
  const root = laid();
  const wrappers = wrap(root);
  try {
    for (const args of runsOf()) process.exitCode ||= run(args, root, wrappers);
  } finally {
    rmSync(wrappers, { recursive: true });
  }
} catch (error) {
  if (!(error instanceof Impossible)) throw error;
  console.error(`npm run test:next: nothing was run on RabbitMQ 4 and Valkey 8: ${error.message}`);
  process.exitCode = isOnlyTried ? 0 : 1;
}

function runsOf(): readonly (readonly string[])[] {
  const faults = ['--config', 'vitest.faults.config.ts', ...positionals];
  if (values.faults) return [faults];
  if (positionals.length > 0) return [positionals];
  return values.short ? [SHORT] : [['test/contract', 'test/integration'], faults];
}

/** Returns the folder of the other system, and sets it up if needed. @throws {Impossible} */
function laid(): string {
  if (process.getuid?.() !== 0)
    throw new Impossible('it enters the other system by chroot, which only root may');
  if (spawnSync('unshare', ['--mount', 'true']).status !== 0)
    throw new Impossible('a namespace for mounts (unshare --mount) cannot be had here');
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = process.env.NEXT_SERVERS_ROOT || join(cache, 'carillon', RELEASE);
  if (existsSync(join(folder, 'usr/bin/valkey-server'))) return folder;
  if (spawnSync('debootstrap', ['--version']).status !== 0) installDebootstrap();
  console.error(`Laying Debian ${RELEASE} with ${PACKAGES} in ${folder}: a minute or two`);
  mkdirSync(dirname(folder), { recursive: true });
  // An interrupted setup must not pass for a complete one. Its processes and mounts have ended with their namespaces.
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child'];
  const laying = ['debootstrap', '--variant=minbase', `--include=${PACKAGES}`, RELEASE, unfinished];
  const ended = spawnSync('unshare', [...namespaces, ...laying], {
    encoding: 'utf8',
    killSignal: 'SIGKILL',
    ...(isOnlyTried ? { timeout: LAYING_MS } : {}),
  });
  if (ended.status !== 0) throw new Impossible(`debootstrap failed: ${lastWords(ended)}`);
  renameSync(unfinished, folder);
  return folder;
}

/** @throws {Impossible} */
function installDebootstrap(): void {
  console.error('Installing for the tests, with apt-get: debootstrap');
  const quick = ['-o', 'Acquire::Retries=0', '-o', 'DPkg::Lock::Timeout=30'];
  const install = ['install', '-y', '--no-remove', '--no-install-recommends', 'debootstrap'];
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeout: INSTALL_MS };
  const ended = spawnSync('apt-get', [...quick, ...install], { ...options, encoding: 'utf8' });
  if (ended.status !== 0) throw new Impossible(`there is no debootstrap, and apt-get: ${lastWords(ended)}`);
}

function lastWords({ error, stdout, stderr }: SpawnSyncReturns<string>): string {
  if (error !== undefined && 'code' in error && error.code === 'ETIMEDOUT')
    return 'it takes too long; without --where-possible nothing bounds it';
  if (error !== undefined) return error.message;
  return `${stdout}\n${stderr}`.trim().split('\n').at(-1) ?? '';
}

/** Makes a folder of commands with the names that the tests look for. The commands run in the other system. */
function wrap(folder: string): string {
  const [rabbitMq = ''] = readdirSync(join(folder, 'usr/lib/rabbitmq/lib'));
  const sbin = `/usr/lib/rabbitmq/lib/${rabbitMq}/sbin`;
  const commands = {
    'redis-server': '/usr/bin/valkey-server',
    epmd: '/usr/bin/epmd',
    'rabbitmq-server': `${sbin}/rabbitmq-server`,
    rabbitmqctl: `${sbin}/rabbitmqctl`,
  };
  const wrapped = mkdtempSync(join(tmpdir(), 'carillon-next-'));
  for (const [name, path] of Object.entries(commands)) {
    const file = join(wrapped, name);
    writeFileSync(file, `#!/bin/sh\nexec chroot '${folder}' '${path}' "$@"\n`);
    chmodSync(file, 0o755);
  }
  return wrapped;
}

function run(args: readonly string[], root: string, wrappers: string): number {
  const vitest = new URL('../node_modules/vitest/vitest.mjs', import.meta.url).pathname;
  const mounts = ['/proc', '/dev', tmpdir()].map(
    (path) => `mkdir -p "$0${path}" && mount --rbind ${path} "$0${path}"`,
  );
  const script = `${mounts.join(' && ')} && exec "$@"`;
  const { status } = spawnSync(
    'unshare',
    ['--mount', 'sh', '-c', script, root, process.execPath, vitest, 'run', ...args],
    {
      stdio: 'inherit',
      env: {
        ...process.env,
        PATH: `${wrappers}:${process.env.PATH}`,
        RABBITMQ_SERVER_PATH: join(wrappers, 'rabbitmq-server'),
      },
    },
  );
  return status ?? 1;
}
