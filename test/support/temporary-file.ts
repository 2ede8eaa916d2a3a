/** Writes files for the processes that a test starts. They are removed when the test file's process ends. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function temporaryFile(name: string, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-test-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
