// Copies the Lua scripts beside the compiled files that read them.
import { cpSync, readdirSync } from 'node:fs';

for (const name of readdirSync('src/inbox')) {
  if (name.endsWith('.lua')) cpSync(`src/inbox/${name}`, `dist/inbox/${name}`);
}
