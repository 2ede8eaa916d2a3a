/**
 * Runs nginx and HAProxy in front of gateways, with the configurations of deploy/. Only addresses, ports and paths are
 * replaced, and settings are left out that need another version or Docker's DNS.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CarillonProcess } from './carillon.ts';
import { watchProxy } from './contracts/watch.ts';
import { startOwnProcess } from './own-process.ts';
import { freePort, isListening } from './ports.ts';
import { findHaproxy, findNginx } from './programs.ts';

const START_TIMEOUT_MS = 60_000;

export interface RunningProxy {
  readonly url: string;
  stop(): Promise<void>;
}

type Gateway = Pick<CarillonProcess, 'url' | 'opsUrl'>;

/** Starts a proxy in front of two gateways. The caller MUST stop it. */
type StartProxy = (gateways: readonly Gateway[]) => Promise<RunningProxy>;

export const proxies: Readonly<Record<'nginx' | 'HAProxy', StartProxy>> = {
  nginx: (gateways) =>
    start('nginx.conf', gateways, findNginx(), (folder, config) => ({
      config: config
        .replaceAll('/tmp/', `${folder}/`)
        .replace('/dev/stdout', `${folder}/access.log`)
        // These lines need Docker's DNS, and nginx 1.27.3.
        .replace(/^ *resolver .*;$/m, '')
        .replace(/ resolve( max_fails=0)?;/g, '$1;')
        .replace('listen 8080;', 'listen 127.0.0.1:8080;'),
      // As root, nginx would run its workers as a user who may not enter the folder.
      args: (file) => ['-c', file, '-g', `daemon off;${process.getuid?.() === 0 ? ' user root;' : ''}`],
    })),
  HAProxy: (gateways) =>
    start('haproxy.cfg', gateways, findHaproxy(), (_folder, config) => ({
      // HAProxy takes two descriptors per connection, and the test may have fewer than the configuration needs.
      config: config.replace('maxconn 40000', 'maxconn 2000').replace('bind :8080', 'bind 127.0.0.1:8080'),
      args: (file) => ['-db', '-f', file],
    })),
};

interface Adapted {
  readonly config: string;
  readonly args: (file: string) => readonly string[];
}

async function start(
  name: string,
  gateways: readonly Gateway[],
  command: string | undefined,
  adapt: (folder: string, config: string) => Adapted,
): Promise<RunningProxy> {
  if (command === undefined) throw new Error(`nothing runs ${name}`);
  const folder = await mkdtemp(join(tmpdir(), 'carillon-proxy-'));
  const port = await freePort();
  await watchProxy(`http://127.0.0.1:${port}`);
  const original = await readFile(new URL(`../../deploy/${name}`, import.meta.url), 'utf8');
  const { config, args } = adapt(folder, original);
  const file = join(folder, name);
  await writeFile(file, withAddresses(config, gateways, port));
  const logFile = join(folder, 'proxy.log');
  const proxy = await startOwnProcess({
    command,
    args: args(file),
    folder,
    logFile,
    startTimeoutMs: START_TIMEOUT_MS,
    isReady: () => isListening(port),
  });
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      await proxy.terminate();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function withAddresses(config: string, gateways: readonly Gateway[], port: number): string {
  const withPort = config.replace('127.0.0.1:8080', `127.0.0.1:${port}`);
  return gateways.reduce((text, { url, opsUrl }, i) => {
    const name = `gateway-${i + 1}`;
    return text
      .replaceAll(`${name}:3000 check port 3001`, `${name}:3000 check port ${new URL(opsUrl).port}`)
      .replaceAll(`${name}:3000`, new URL(url).host);
  }, withPort);
}
