/** Installs the programs that the tests run, if Debian or Ubuntu allows it. Otherwise it says what to install. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { dockerAnswers } from './docker.ts';
import { guard } from './guard.ts';
import {
  findChromium,
  findCurl,
  findHaproxy,
  findHeadlessChromium,
  findNginx,
  findOnPath,
  findPythonWith,
  findRabbitMqServer,
  findRedisServer,
} from './programs.ts';

const run = promisify(execFile);
const maxOutputBytes = 64 * 1024 * 1024;
const INSTALL_TIMEOUT_MS = 120_000;
const policyFile = '/usr/sbin/policy-rc.d';

// The names of Debian's packages.
const packages = [
  { name: 'redis-server', find: findRedisServer, isInDocker: true },
  { name: 'rabbitmq-server', find: findRabbitMqServer, isInDocker: true },
  { name: 'chromium', find: findChromium, isInDocker: false },
  { name: 'nginx', find: findNginx, isInDocker: false },
  { name: 'curl', find: findCurl, isInDocker: false },
  { name: 'python3-socketio', find: () => findPythonWith('socketio'), isInDocker: false },
  { name: 'python3-aiohttp', find: () => findPythonWith('socketio, aiohttp'), isInDocker: false },
  { name: 'python3-pika', find: () => findPythonWith('pika'), isInDocker: false },
  { name: 'haproxy', find: findHaproxy, isInDocker: false },
];

/** Any other Chromium works as well, but this one is much cheaper to run. Not every distribution has it. */
const HEADLESS_CHROMIUM = 'chromium-headless-shell';

const missingPackages = () => packages.filter(({ find }) => find() === undefined);

/** The prefix that runs a command as root; undefined if that would ask for a password. */
async function rootPrefix(): Promise<readonly string[] | undefined> {
  if (process.getuid?.() === 0) return [];
  return await run('sudo', ['-n', 'true']).then(
    () => ['sudo', '-n'],
    () => undefined,
  );
}

async function aptInstall(names: readonly string[], prefix: readonly string[]): Promise<void> {
  const asRoot = async (...args: readonly string[]) => {
    const [command = '', ...rest] = [...prefix, ...args];
    await run(command, rest, { maxBuffer: maxOutputBytes });
  };
  const apt = (...args: readonly string[]) =>
    asRoot('env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-o', 'DPkg::Lock::Timeout=300', ...args);

  await apt('update');
  // Packages start their services unless this script forbids it. The services would take the usual ports.
  const forbidsServices = existsSync(policyFile);
  const removePolicy = ['rm', '-f', policyFile];
  const dismissGuard = forbidsServices ? () => {} : guard('"$@"', ...prefix, ...removePolicy);
  try {
    if (!forbidsServices) {
      await asRoot('sh', '-c', `printf '#!/bin/sh\\nexit 101\\n' > ${policyFile} && chmod 755 ${policyFile}`);
    }
    await apt('install', '-y', '--no-install-recommends', ...names);
  } finally {
    if (!forbidsServices) await asRoot(...removePolicy);
    dismissGuard();
  }
}

/**
 * Uses the package lists that the machine already has. Where the package is not to be had, the whole Chromium works as
 * well.
 */
async function preferHeadlessChromium(): Promise<void> {
  if (findHeadlessChromium() !== undefined) return;
  const isKnown = await run('apt-cache', ['show', HEADLESS_CHROMIUM]).then(
    () => true,
    () => false,
  );
  const prefix = isKnown ? await rootPrefix() : undefined;
  if (prefix === undefined) return;
  process.stderr.write(`Installing for the tests, with apt-get: ${HEADLESS_CHROMIUM}\n`);
  const bounded = ['-o', 'Acquire::Retries=0', '-o', 'Acquire::http::Timeout=20'];
  const install = [
    'apt-get',
    ...bounded,
    'install',
    '-y',
    '--no-remove',
    '--no-install-recommends',
    HEADLESS_CHROMIUM,
  ];
  const [command = '', ...args] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', ...install];
  await run(command, args, { maxBuffer: maxOutputBytes, timeout: INSTALL_TIMEOUT_MS }).catch(() => {});
}

/** Rejects with one sentence when a program is missing and cannot be installed. Only the global setup may call this. */
export async function ensurePrograms(): Promise<void> {
  await preferHeadlessChromium();
  const names = missingPackages().map(({ name }) => name);
  if (names.length === 0) return;

  const prefix = findOnPath('apt-get') && (await rootPrefix());
  let reason = '';
  if (prefix) {
    process.stderr.write(`Installing for the tests, with apt-get: ${names.join(' ')}\n`);
    await aptInstall(names, prefix).catch((error: Error) => {
      reason = ` (apt-get could not: ${error.message.trim().split('\n').at(-1)})`;
    });
  }

  const missing = missingPackages();
  const hasDocker = missing.length > 0 && (await dockerAnswers());
  const needed = missing.filter(({ isInDocker }) => !(isInDocker && hasDocker)).map(({ name }) => name);
  if (needed.length === 0) return;
  const error = new Error(
    `The tests need ${needed.join(', ')}: install the packages of these names${reason}, ` +
      'or, for RabbitMQ and Redis only, start Docker; CHROMIUM_PATH may name a Chromium elsewhere.',
  );
  // The stack is of no help to somebody who has to install something.
  error.stack = error.message;
  throw error;
}
