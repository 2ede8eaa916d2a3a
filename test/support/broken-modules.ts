/**
 * Programming errors inside another process: Node first loads a module that makes a part of Node or of a package throw
 * a TypeError, as faulty code would.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The message of each of these errors. */
export const FAULT = 'faulty is not a function';

const PACKAGES = new URL('../../node_modules/', import.meta.url).pathname;

/** Replaces a method of a class in an installed package. */
function patched(module: string, name: string, method: string): string {
  return `
    const { createRequire } = await import('node:module');
    const installed = createRequire(import.meta.url)('${PACKAGES}${module}');
    installed.${name}.prototype.${method} = async () => { throw new TypeError('${FAULT}'); };`;
}

const BREAKS = {
  /** Breaks every HTTP request. */
  fetch: `globalThis.fetch = () => { throw new TypeError('${FAULT}'); };`,
  /** Breaks reading the body of an HTTP answer. */
  answers: `Response.prototype.text = async () => { throw new TypeError('${FAULT}'); };`,
  /** Breaks every connection to another server. */
  connections: `
    const { default: net } = await import('node:net');
    net.Socket.prototype.connect = () => { throw new TypeError('${FAULT}'); };`,
  /** Breaks reading any file except those of the program itself. */
  files: `
    const { default: fs } = await import('node:fs');
    const { syncBuiltinESMExports } = await import('node:module');
    const { readFileSync } = fs;
    fs.readFileSync = (file, ...options) => {
      if (String(file).endsWith('package.json') || /node_modules|dist/.test(String(file))) return readFileSync(file, ...options);
      throw new TypeError('${FAULT}');
    };
    syncBuiltinESMExports();`,
  /** Breaks every check of a RabbitMQ queue. */
  rabbitMqQueues: patched('amqplib/lib/channel_model.js', 'Channel', 'checkQueue'),
  /** Breaks every check of a RabbitMQ exchange. */
  rabbitMqExchanges: patched('amqplib/lib/channel_model.js', 'Channel', 'checkExchange'),
  /** Breaks every subscription to a RabbitMQ queue. */
  rabbitMqConsuming: patched('amqplib/lib/channel_model.js', 'Channel', 'consume'),
  /** Breaks waiting for RabbitMQ's confirms. */
  confirms: patched('amqplib/lib/channel_model.js', 'ConfirmChannel', 'waitForConfirms'),
  /** Breaks closing a connection to RabbitMQ. */
  closing: patched('amqplib/lib/channel_model.js', 'ChannelModel', 'close'),
  /** Breaks the TIME command of Redis. */
  redisTime: patched('ioredis/built/index.js', 'Redis', 'time'),
} as const;

export type Broken = keyof typeof BREAKS;

/** `NODE_OPTIONS` for a process in which this part is broken. The caller MUST call `remove`. */
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
