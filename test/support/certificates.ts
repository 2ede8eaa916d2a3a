/** The paths of the tests' certificates, which certificates/make has made, and copies of them for servers. */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';

export function certificate(name: string): string {
  return new URL(`certificates/${name}`, import.meta.url).pathname;
}

/**
 * Copies a certificate into `folder`, for a server that may run in another system and shares only the tests' folders.
 */
export async function lent(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await copyFile(certificate(name), path);
  return path;
}
