/** Finds the programs that the tests run. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const packagedRabbitMq = '/usr/lib/rabbitmq/lib';

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export function findOnPath(...names: readonly string[]): string | undefined {
  // An ordinary user's PATH may lack the sbin folders, where some packages put servers.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin'];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

export function findRedisServer(): string | undefined {
  return findOnPath('redis-server');
}

/**
 * Debian's and Red Hat's /usr/sbin/rabbitmq-server changes to the user "rabbitmq" and loses the environment.
 * The script inside the package's lib folder runs as its caller, so it is preferred.
 */
export function findRabbitMqServer(): string | undefined {
  const { RABBITMQ_SERVER_PATH: chosen } = process.env;
  if (chosen) return chosen;
  let versions: string[] = [];
  try {
    versions = readdirSync(packagedRabbitMq).filter((name) => name.startsWith('rabbitmq_server-'));
  } catch {
    // No package of that layout.
  }
  const scripts = versions.map((version) => join(packagedRabbitMq, version, 'sbin', 'rabbitmq-server'));
  return scripts.find(isExecutable) ?? findOnPath('rabbitmq-server');
}

/** Chromium without what a window needs: its pages are the same, for two thirds of the CPU. */
export function findHeadlessChromium(): string | undefined {
  return process.env.CHROMIUM_PATH || findOnPath('chromium-headless-shell');
}

export function findChromium(): string | undefined {
  return findHeadlessChromium() ?? findOnPath('chromium', 'chromium-browser', 'google-chrome');
}

export function findCurl(): string | undefined {
  return findOnPath('curl');
}

/** One that has the module: another Python than the system's may come first on the PATH, and lack it. */
export function findPythonWith(module: string): string | undefined {
  const pythons = [findOnPath('python3'), '/usr/bin/python3'].filter((path) => path !== undefined);
  return pythons.find((python) => spawnSync(python, ['-c', `import ${module}`]).status === 0);
}

export function findNginx(): string | undefined {
  return findOnPath('nginx');
}

export function findHaproxy(): string | undefined {
  return findOnPath('haproxy');
}
