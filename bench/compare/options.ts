/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';

export interface Options {
  /** How often each is measured, in turns; the table has medians. */
  readonly repeat: number;
  /** Letters of the works to run; undefined: all. */
  readonly only: readonly string[] | undefined;
  /** Small numbers: shows only that everything runs and everything arrives. */
  readonly smoke: boolean;
}

/** @throws {Error} that says how it is used */
export function readOptions(args: readonly string[], letters: readonly string[]): Options {
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
  const only = values.only?.split(',').map((letter) => letter.trim());
  const unknown = only?.find((letter) => !letters.includes(letter));
  if (unknown !== undefined) throw new Error(`--only takes some of ${letters.join(',')}, not "${unknown}"`);
  return { repeat, only, smoke: values.smoke };
}
