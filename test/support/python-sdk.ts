/**
 * The official CloudEvents SDK for Python: found on the machine, or installed once into this checkout's
 * node_modules/.cache.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { findOnPath } from './programs.ts';

const run = promisify(execFile);

const SDK = 'cloudevents==2.2.0';
const MODULE = 'cloudevents.core.bindings.rabbitmq';
const CACHE = new URL('../../node_modules/.cache/cloudevents-python', import.meta.url).pathname;
const SCRIPT = new URL('sdk-messages.py', import.meta.url).pathname;
const INSTALL_MS = 60_000;

const sdkMessageSchema = z.object({
  name: z.string(),
  contentType: z.string().nullable(),
  headers: z.record(z.string(), z.union([z.string(), z.number()])),
  body: z.base64().transform((text) => Buffer.from(text, 'base64')),
});

export type SdkMessage = z.infer<typeof sdkMessageSchema>;

/**
 * The messages that the SDK makes of the same event in both modes of both bindings; or the reason why the SDK is not to
 * be had here.
 */
export async function pythonSdkMessages(audience: string): Promise<readonly SdkMessage[] | string> {
  const python = await findOrInstall();
  if (python.startsWith('no ')) return python;
  const { stdout } = await run(python, [SCRIPT, audience]);
  const lines = stdout.trim().split('\n');
  return lines.map((line) => sdkMessageSchema.parse(JSON.parse(line)));
}

/** A Python that has the SDK, or a text `no …` that names what is missing. */
async function findOrInstall(): Promise<string> {
  const cached = `${CACHE}/bin/python`;
  const system = findOnPath('python3');
  for (const python of [cached, system]) {
    if (python !== undefined && (await has(python))) return python;
  }
  if (system === undefined) return 'no python3';
  // Another run may be installing it at the same time.
  const folder = `${CACHE}-${process.pid}`;
  try {
    await run(system, ['-m', 'venv', folder]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--retries', '0', '--timeout', '10', SDK];
    await run(`${folder}/bin/python`, pip, { timeout: INSTALL_MS });
    if (!existsSync(CACHE)) await rename(folder, CACHE);
  } catch {
    return `no ${SDK}, and it cannot be installed here`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return (await has(cached)) ? cached : `no ${SDK}`;
}

async function has(python: string): Promise<boolean> {
  return await run(python, ['-c', `import ${MODULE}`]).then(
    () => true,
    () => false,
  );
}
