// Copies the Lua scripts beside the compiled files that read them.
import { cpSync, readdirSync } from 'node:fs';

for (const path of readdirSync('src', { recursive: true, encoding: 'utf8' })) {
  if (path.endsWith('.lua')) cpSync(`src/${path}`, `dist/${path}`);
}
