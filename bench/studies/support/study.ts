/** The command line of a study, and the place of its results. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isSmoke } from './size.ts';

const RESULTS = new URL('../../results/', import.meta.url);

/**
 * Returns the parts of the study to run: those in the arguments, or all of them.
 *
 * @throws {Error} that names the parts
 */
export function chosenOf<Name extends string>(names: readonly Name[]): readonly Name[] {
  const asked = argumentsGiven();
  const unknown = asked.filter((name) => !names.some((known) => known === name));
  if (unknown.length > 0) throw new Error(`no such part: ${unknown}; there are ${names}`);
  return asked.length === 0 ? names : names.filter((name) => asked.includes(name));
}

/** Prints the results. Those of a full run of everything replace bench/results/`file`. */
export function publish(file: string, text: string): void {
  console.log(`\n${text}`);
  if (isSmoke || argumentsGiven().length > 0) return;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(new URL(file, RESULTS), text);
}

function argumentsGiven(): readonly string[] {
  const options = { smoke: { type: 'boolean' } } as const;
  return parseArgs({ allowPositionals: true, options }).positionals;
}
