/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';

export interface Options {
  /** How often each contestant is measured, in turns. The table shows medians. */
  readonly repeat: number;
  /** Letters of works and names of studies to run. Undefined: all works. */
  readonly only: readonly string[] | undefined;
  /** Small numbers, which only show that everything runs and every message arrives. */
  readonly smoke: boolean;
}

/** @throws {Error} with the usage */
export function readOptions(
  args: readonly string[],
  letters: readonly string[],
  studies: readonly string[],
): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      repeat: { type: 'string' },
      only: { type: 'string' },
      smoke: { type: 'boolean', default: false },
    },
  });
  const repeat = Number(values.repeat ?? (values.smoke ? 1 : 3));
  if (!Number.isInteger(repeat) || repeat < 1) throw new Error('--repeat takes a whole number of at least 1');
  const only = values.only?.split(',').map((name) => name.trim());
  const names = [...letters, ...studies];
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`--only takes some of ${names.join(',')}, not "${unknown}"`);
  if (values.repeat !== undefined && only?.every((name) => studies.includes(name)))
    throw new Error('--repeat is for works; a study has a number of rounds of its own');
  return { repeat, only, smoke: values.smoke };
}
