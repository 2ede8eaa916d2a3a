/** The official CloudEvents SDK for Go as a program. It is built once, from modules that were downloaded before. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { promisify } from 'node:util';
import { findOnPath } from './programs.ts';
import { vhostOf } from './rabbitmq.ts';

const run = promisify(execFile);

const FOLDER = new URL('go-sdk/', import.meta.url).pathname;
const CACHE = new URL('../../node_modules/.cache/cloudevents-go/', import.meta.url).pathname;
const PROGRAM = `${CACHE}go-sdk`;

/** Why the SDK cannot be used here; undefined when it can. A build takes a minute, and needs no network. */
export async function whyNoGoSdk(): Promise<string | undefined> {
  if (existsSync(PROGRAM)) return undefined;
  const go = findOnPath('go');
  if (go === undefined) return 'no go';
  const own = `${PROGRAM}-${process.pid}`;
  const env = { ...process.env, GOPROXY: 'off', GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local' };
  try {
    await mkdir(CACHE, { recursive: true });
    await run(go, ['build', '-o', own, '.'], { cwd: FOLDER, env });
    await rename(own, PROGRAM);
    return undefined;
  } catch {
    return 'no Go modules: download them once with `go mod download` in test/support/go-sdk';
  }
}

/** Sends one event in binary mode and one in structured mode, over AMQP 1.0. */
export async function sendWithGoSdk(amqpUrl: string, audience: string): Promise<void> {
  const { host, username, password } = new URL(amqpUrl);
  await run(PROGRAM, [`amqp://${host}`, username, password, vhostOf(amqpUrl), audience]);
}
