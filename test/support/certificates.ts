/** The certificates of the tests (certificates/make made them), where they are and lent to servers. */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';

export function certificate(name: string): string {
  return new URL(`certificates/${name}`, import.meta.url).pathname;
}

/** A copy in `folder`, for a server that may run in another system, which shares the folders of the tests. */
export async function lent(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await copyFile(certificate(name), path);
  return path;
}
