/** Writes openapi.yaml and asyncapi.yaml anew. */
import { writeFile } from 'node:fs/promises';
import { contractFiles } from './contract-files.ts';

for (const [name, text] of Object.entries(await contractFiles())) {
  await writeFile(new URL(`../${name}`, import.meta.url), text);
  console.log(`wrote ${name}`);
}
