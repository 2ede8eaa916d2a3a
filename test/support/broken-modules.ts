/**
 * Programming errors for a program that runs as its own process: a module that Node loads first, in which a part of
 * Node or of a package throws a TypeError, as faulty code would.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The message of such an error. */
export const FAULT = 'faulty is not a function';

const PACKAGES = new URL('../../node_modules/', import.meta.url).pathname;

/** Breaks a method of a class in a file of an installed package. */
function patched(module: string, name: string, method: string): string {
  return `
    const { createRequire } = await import('node:module');
    const installed = createRequire(import.meta.url)('${PACKAGES}${module}');
    installed.${name}.prototype.${method} = async () => { throw new TypeError('${FAULT}'); };`;
}

const BREAKS = {
  /** Every request over HTTP. */
  fetch: `globalThis.fetch = () => { throw new TypeError('${FAULT}'); };`,
  /** The body of every answer. */
  answers: `Response.prototype.text = async () => { throw new TypeError('${FAULT}'); };`,
  /** Every connection to another server. */
  connections: `
    const { default: net } = await import('node:net');
    net.Socket.prototype.connect = () => { throw new TypeError('${FAULT}'); };`,
  /** Every file that is read, besides those that the program is made of. */
  files: `
    const { default: fs } = await import('node:fs');
    const { syncBuiltinESMExports } = await import('node:module');
    const { readFileSync } = fs;
    fs.readFileSync = (file, ...options) => {
      if (String(file).endsWith('package.json') || /node_modules|dist/.test(String(file))) return readFileSync(file, ...options);
      throw new TypeError('${FAULT}');
    };
    syncBuiltinESMExports();`,
  /** Each look at a queue of RabbitMQ. */
  rabbitMqQueues: patched('amqplib/lib/channel_model.js', 'Channel', 'checkQueue'),
  /** Each look at an exchange of RabbitMQ. */
  rabbitMqExchanges: patched('amqplib/lib/channel_model.js', 'Channel', 'checkExchange'),
  /** RabbitMQ's confirms. */
  confirms: patched('amqplib/lib/channel_model.js', 'ConfirmChannel', 'waitForConfirms'),
  /** Closing a connection to RabbitMQ. */
  closing: patched('amqplib/lib/channel_model.js', 'ChannelModel', 'close'),
  /** Redis' TIME. */
  redisTime: patched('ioredis/built/index.js', 'Redis', 'time'),
} as const;

export type Broken = keyof typeof BREAKS;

/** `NODE_OPTIONS` for a process in which these are broken. */
export async function breaking(
  broken: Broken,
): Promise<{ env: Record<string, string>; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-broken-'));
  const file = join(folder, 'broken.mjs');
  await writeFile(file, BREAKS[broken]);
  return {
    env: { NODE_OPTIONS: `--import=${file}` },
    remove: () => rm(folder, { recursive: true }),
  };
}
