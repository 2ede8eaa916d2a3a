/**
 * `npm run test:next`: the integration and fault tests on the servers of the next Debian, RabbitMQ 4 and Valkey 8, in place
 * of those of this machine. `-- --short`: only what speaks most with them; `-- --faults`: only the fault tests. Other
 * arguments name files, as vitest takes them.
 *
 * Needs root and `debootstrap`: it lays Debian 13 beside this system, once, and starts the servers there by chroot. Mounts
 * are in a namespace of their own and end with it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
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
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const RELEASE = 'trixie';
const PACKAGES = 'rabbitmq-server,valkey-server';

const SHORT = [
  'test/contract',
  'test/integration/adapters',
  'test/integration/operate/dead-letters',
  'test/integration/pipeline',
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { short: { type: 'boolean', default: false }, faults: { type: 'boolean', default: false } },
});

if (process.getuid?.() !== 0) fail('it enters the other system by chroot, which only root may');
const root = laid();
const wrappers = wrap(root);
try {
  for (const args of runsOf()) process.exitCode ||= run(args);
} finally {
  rmSync(wrappers, { recursive: true });
}

function runsOf(): readonly (readonly string[])[] {
  const faults = ['--config', 'vitest.faults.config.ts', ...positionals];
  if (values.faults) return [faults];
  if (positionals.length > 0) return [positionals];
  return values.short ? [SHORT] : [['test/contract', 'test/integration'], faults];
}

/** The folder of the other system. */
function laid(): string {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = process.env.NEXT_SERVERS_ROOT || join(cache, 'carillon', RELEASE);
  if (existsSync(join(folder, 'usr/bin/valkey-server'))) return folder;
  console.error(`Laying Debian ${RELEASE} with ${PACKAGES} in ${folder}: a minute or two`);
  mkdirSync(cache, { recursive: true });
  // What was interrupted is not taken for whole.
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  try {
    execFileSync('debootstrap', ['--variant=minbase', `--include=${PACKAGES}`, RELEASE, unfinished], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } catch (error) {
    fail(`debootstrap failed: ${error instanceof Error ? error.message : error}`);
  }
  renameSync(unfinished, folder);
  return folder;
}

/** A folder with commands of the names that the tests look for, which run in the other system. */
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

function run(args: readonly string[]): number {
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

function fail(reason: string): never {
  console.error(`npm run test:next: ${reason}`);
  process.exit(1);
}
