/** Builds other versions of the service next to this one. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = new URL('../../', import.meta.url).pathname;
const HERE = '.';
/** Far more than the few megabytes of a source tree. */
const MAX_ARCHIVE_BYTES = 2 ** 28;

export interface Version {
  /** The version as it was given on the command line. */
  readonly name: string;
  readonly commit: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface BuiltVersion extends Version {
  readonly program: string;
}

/**
 * Reads `f134d46`, or with variables `f134d46,TRAIL_SECONDS=0,CANARY_SECONDS=0`.
 * @throws {Error} when a variable has no value
 */
export function readVersion(name: string): Version {
  const [commit = HERE, ...variables] = name.split(',');
  const environment = Object.fromEntries(
    variables.map((variable) => {
      const [, key, value] = /^([A-Z_]+)=(.*)$/.exec(variable) ?? [];
      if (key === undefined || value === undefined)
        throw new Error(`${name}: "${variable}" has to be NAME=value`);
      return [key, value];
    }),
  );
  return { name, commit, environment };
}

/**
 * Builds each commit once, under `folder`. The working tree MUST have been built. All versions use the packages
 * installed here.
 */
export function buildVersions(versions: readonly Version[], folder: string): readonly BuiltVersion[] {
  const roots = new Map([[HERE, ROOT]]);
  return versions.map((version) => {
    const root = roots.get(version.commit) ?? build(version.commit, folder);
    roots.set(version.commit, root);
    return { ...version, program: join(root, 'dist/main.js') };
  });
}

function build(commit: string, folder: string): string {
  const archive = execFileSync('git', ['archive', '--format=tar', commit], {
    cwd: ROOT,
    maxBuffer: MAX_ARCHIVE_BYTES,
  });
  const root = join(folder, commit.replaceAll('/', '_'));
  mkdirSync(root);
  execFileSync('tar', ['-x', '-C', root], { input: archive });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
  return root;
}
