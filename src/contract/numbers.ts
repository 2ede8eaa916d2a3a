/**
 * JSON that goes through code which parses and writes it again, with all its numbers: those that no double holds stand as
 * texts in it on the way.
 */
import { replaceNumbers } from './json-text.ts';

/** Another one in each process: nobody else can write it. */
const MARK = `number:${globalThis.crypto.randomUUID()}:`;
const MARKS = new RegExp(`"${MARK}([^"]+)"`, 'g');

/** The value of a JSON text, with texts for numbers that would be written otherwise than they are there. */
export function guardNumbers(text: string, value: unknown): unknown {
  let isExact = true;
  const guarded = replaceNumbers(text, (number) => {
    if (JSON.stringify(Number(number)) === number) return number;
    isExact = false;
    return `"${MARK}${number}"`;
  });
  return isExact ? value : JSON.parse(guarded);
}

/** What was written of such a value, with the numbers. */
export function restoreNumbers(text: string): string {
  return text.replaceAll(MARKS, '$1');
}
