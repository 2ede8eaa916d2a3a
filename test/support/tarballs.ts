/** The tarballs that can be published, and fresh folders into which npm installs them. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { fencedBlock } from './fenced-blocks.ts';

const run = promisify(execFile);
const ROOT = new URL('../../', import.meta.url).pathname;

/** What npm says when a registry does not answer, or may not be asked. */
const NO_REGISTRY =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED)\b/;

/** npm asks once, and keeps what it has downloaded. */
const NPM = {
  npm_config_prefer_offline: 'true',
  npm_config_fetch_retries: '0',
  npm_config_fetch_timeout: '60000',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_update_notifier: 'false',
};

export interface Folder {
  readonly path: string;
  write(files: Readonly<Record<string, string>>): Promise<void>;
  /** Rejects with what the program has written. */
  run(command: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
  remove(): Promise<void>;
}

/**
 * What the `npm` and the Node that run the tests have set for themselves. Where the registry is and whom to trust is
 * the machine's, and stays.
 */
const OF_THE_TESTS = /^(npm_(?!config_(registry|cafile|userconfig)$)|NODE_(?!EXTRA_CA_CERTS$)|VITEST|TEST$)/;

/** The caller MUST remove it. Programs that run in it know nothing of the `npm` that may have started the tests. */
export async function freshFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'carillon-consumer-'));
  const outer = Object.entries(process.env).filter(([name]) => !OF_THE_TESTS.test(name));
  return {
    path,
    async write(files) {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(path, name)), { recursive: true });
        await writeFile(join(path, name), text);
      }
    },
    async run(command, args, env = {}) {
      const options = { cwd: path, env: { ...Object.fromEntries(outer), ...NPM, ...env } };
      const { stdout, stderr } = await run(command, args, options).catch(({ stdout, stderr }) => {
        throw new Error(`${command} ${args.join(' ')}:\n${stdout}${stderr}`);
      });
      return `${stdout}${stderr}`;
    },
    remove: () => rm(path, { recursive: true }),
  };
}

/** Puts the tarballs of the built files into `vendor/` of the folder. Returns their names. */
export async function packInto(folder: Folder): Promise<readonly string[]> {
  const out = join(folder.path, 'vendor');
  await run(process.execPath, ['scripts/pack.mjs', '--out', out], { cwd: ROOT });
  return (await readdir(out)).sort();
}

export interface Installed {
  /** The program of the service. */
  readonly main: string;
  /** The folder of the command `carillon`. */
  readonly bin: string;
  /** The folder of the package. */
  readonly folder: string;
  /** npm's, into which it was installed. */
  readonly prefix: string;
  /** What npm wrote. */
  readonly said: string;
}

/** Installs the service and its command line as docs/packages.md says: from its tarball, without a registry. */
export async function installService(folder: Folder): Promise<Installed> {
  const prefix = join(folder.path, 'global');
  const bin = join(prefix, 'bin');
  // The packages are built already, and what is built must not change while the tests run.
  const [, ...install] = fencedBlock('docs/packages.md', 'sh', '--global').split('\n');
  const said = await folder.run('sh', ['-ec', install.join('\n').replace('./dist/packages', './vendor')], {
    npm_config_prefix: prefix,
    npm_config_offline: 'true',
    PATH: `${bin}:${process.env.PATH}`,
  });
  const installed = join(prefix, 'lib/node_modules/carillon');
  return { main: join(installed, 'dist/main.js'), bin, folder: installed, prefix, said };
}

/** Why npm cannot install what is in package.json; undefined when it did. */
export async function whyNotInstalled(folder: Folder, command: string): Promise<string | undefined> {
  try {
    await folder.run('sh', ['-ec', command]);
    return undefined;
  } catch (error) {
    const reason = NO_REGISTRY.exec(String(error));
    if (reason === null) throw error;
    return `no package registry answers (${reason[0]})`;
  }
}
