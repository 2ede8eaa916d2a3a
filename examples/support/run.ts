/** `npm run story -- <name>`: runs one of the stories until Ctrl-C. */
import { existsSync, readdirSync } from 'node:fs';
import type { Run } from './story.ts';

const examples = new URL('../', import.meta.url);
const fileOf = (name: string) => new URL(`${name}/story.ts`, examples);
const names = readdirSync(examples).filter((name) => existsSync(fileOf(name)));

const name = process.argv[2] ?? '';
if (!names.includes(name)) {
  console.error(
    `${name === '' ? 'Which story' : `No story is called "${name}"`}? There are: ${names.join(', ')}`,
  );
  process.exit(1);
}

const { run }: { readonly run: Run } = await import(fileOf(name).href);
const story = await run();
console.log(`\n  ${name}: ${story.url}\n\n  Ctrl-C ends it.\n`);

let isStopping = false;
const stop = async () => {
  if (isStopping) return;
  isStopping = true;
  await story.stop();
  process.exit(0);
};
process.on('SIGINT', stop);
process.on('SIGTERM', stop);
