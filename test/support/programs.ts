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
  // The PATH of an ordinary user may lack the sbin folders, where some packages put their servers.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin'];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

export function findRedisServer(): string | undefined {
  return findOnPath('redis-server');
}

/**
 * In the packages of Debian and Red Hat, /usr/sbin/rabbitmq-server changes to the user "rabbitmq" and loses the
 * environment. The script in the package's lib folder runs as its caller, so this function prefers it.
 */
export function findRabbitMqServer(): string | undefined {
  const { RABBITMQ_SERVER_PATH: chosen } = process.env;
  if (chosen) return chosen;
  let versions: string[] = [];
  try {
    versions = readdirSync(packagedRabbitMq).filter((name) => name.startsWith('rabbitmq_server-'));
  } catch {
    // No package with that layout is installed.
  }
  const scripts = versions.map((version) => join(packagedRabbitMq, version, 'sbin', 'rabbitmq-server'));
  return scripts.find(isExecutable) ?? findOnPath('rabbitmq-server');
}

/** Chromium without the parts that a window needs. It shows the same pages for two thirds of the CPU. */
export function findHeadlessChromium(): string | undefined {
  return process.env.CHROMIUM_PATH || findOnPath('chromium-headless-shell');
}

export function findChromium(): string | undefined {
  return findHeadlessChromium() ?? findOnPath('chromium', 'chromium-browser', 'google-chrome');
}

export function findCurl(): string | undefined {
  return findOnPath('curl');
}

/** A Python that has the module. The first one on the PATH may not be the system's, and may lack the module. */
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
