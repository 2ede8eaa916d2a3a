/** The official CloudEvents SDK for Java. It is downloaded once into this checkout's node_modules/.cache. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { findOnPath } from './programs.ts';

const run = promisify(execFile);

const FOLDER = new URL('java-sdk/', import.meta.url).pathname;
const CACHE = new URL('../../node_modules/.cache/cloudevents-java', import.meta.url).pathname;
const DOWNLOAD_MS = 120_000;

/**
 * AMQP 1.0 messages as the SDK encodes them, in both modes and without an audience; or the reason why the SDK is not to
 * be had here.
 */
export async function javaSdkMessages(): Promise<readonly Buffer[] | string> {
  const [java, maven] = [findOnPath('java'), findOnPath('mvn')];
  if (java === undefined) return 'no java';
  if (!existsSync(CACHE)) {
    if (maven === undefined) return 'no mvn';
    // Another run may be downloading it at the same time.
    const own = `${CACHE}-${process.pid}`;
    const args = ['-q', '-B', '-f', FOLDER, 'dependency:copy-dependencies', `-DoutputDirectory=${own}`];
    try {
      await run(maven, args, { timeout: DOWNLOAD_MS });
      if (!existsSync(CACHE)) await rename(own, CACHE);
    } catch {
      return 'no cloudevents-amqp-proton, and it cannot be downloaded here';
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  }
  const { stdout } = await run(java, ['-cp', `${CACHE}/*`, `${FOLDER}Messages.java`]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => Buffer.from(line, 'base64'));
}
