/** Writes openapi.yaml, asyncapi.yaml and what the Helm chart has of this project anew. */
import { writeFile } from 'node:fs/promises';
import { chartFiles } from './chart-files.ts';
import { contractFiles } from './contract-files.ts';

for (const [name, text] of Object.entries({ ...(await contractFiles()), ...(await chartFiles()) })) {
  await writeFile(new URL(`../${name}`, import.meta.url), text);
  console.log(`wrote ${name}`);
}
