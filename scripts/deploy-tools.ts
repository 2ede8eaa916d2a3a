/**
 * Brings the programs with which deploy/ and ops/ are tested into the user's cache: helm and a checker of manifests, which Go
 * builds from their modules, and promtool, from Debian's package of Prometheus. Nothing is installed.
 *
 * The first build takes minutes of CPU; what is there already is left alone. With `--where-possible`, a machine that cannot
 * have them says why and exits with 0, and the tests that need them are skipped.
 */
import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type DeployTool, deployTools, findDeployTool, toolSources } from '../test/support/deploy-tools.ts';

/** With `--where-possible`, nobody should wait any longer. */
const BUILD_MS = 900_000;
const DOWNLOAD_MS = 120_000;

class Impossible extends Error {}

const { values } = parseArgs({ options: { 'where-possible': { type: 'boolean', default: false } } });
const isOnlyTried = values['where-possible'];

const makers: Readonly<Record<DeployTool, (folder: string) => void>> = {
  helm: (folder) => build(folder, 'helm', 'helm.sh/helm/v4/cmd/helm'),
  'manifest-check': (folder) => build(folder, 'manifest-check', '.'),
  promtool: unpackPromtool,
};

for (const [name, make] of Object.entries(makers)) {
  if (findDeployTool(name) === undefined) bring(name, make);
}

function bring(name: string, make: (folder: string) => void): void {
  mkdirSync(deployTools, { recursive: true });
  // What was interrupted must not pass for a program.
  const unfinished = mkdtempSync(join(deployTools, 'unfinished-'));
  try {
    console.error(`Bringing ${name} for the tests of deploy/ and ops/`);
    make(unfinished);
    renameSync(join(unfinished, name), join(deployTools, name));
  } catch (error) {
    if (!(error instanceof Impossible)) throw error;
    console.error(`scripts/deploy-tools.ts: no ${name}, what needs it is not tested: ${error.message}`);
    process.exitCode = isOnlyTried ? 0 : 1;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** @throws {Impossible} */
function build(folder: string, name: string, module: string): void {
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly' };
  run(['go', 'build', '-trimpath', '-ldflags=-s -w', '-o', join(folder, name), module], BUILD_MS, {
    cwd: toolSources,
    env,
  });
}

/** @throws {Impossible} */
function unpackPromtool(folder: string): void {
  if (spawnSync('apt-cache', ['show', 'prometheus']).status !== 0 && process.getuid?.() === 0) {
    run(['apt-get', '-o', 'DPkg::Lock::Timeout=30', 'update'], DOWNLOAD_MS, {});
  }
  run(['apt-get', '-o', 'Acquire::Retries=0', 'download', 'prometheus'], DOWNLOAD_MS, { cwd: folder });
  run(['sh', '-c', 'dpkg-deb --extract prometheus_*.deb . && mv usr/bin/promtool .'], DOWNLOAD_MS, {
    cwd: folder,
  });
  if (!existsSync(join(folder, 'promtool'))) throw new Impossible('the package prometheus has no promtool');
}

/** @throws {Impossible} */
function run([command = '', ...args]: readonly string[], timeoutMs: number, options: SpawnSyncOptions): void {
  const ended = spawnSync(command, args, {
    ...options,
    encoding: 'utf8',
    killSignal: 'SIGKILL',
    ...(isOnlyTried ? { timeout: timeoutMs } : {}),
  });
  if (ended.error !== undefined) throw new Impossible(`${command}: ${ended.error.message}`);
  const lastWords = `${ended.stdout}\n${ended.stderr}`.trim().split('\n').at(-1);
  if (ended.status !== 0) throw new Impossible(`${command} ${args[0]}: ${lastWords}`);
}
