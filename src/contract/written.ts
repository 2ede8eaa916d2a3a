/**
 * Values that remember the text that they were parsed from, so that they are written again as they were: with numbers
 * that no double holds. Whoever copies such a value, or writes it with JSON.stringify alone, gets what was parsed.
 */
import type { JsonObject } from './json.ts';
import { mendedJson } from './json-text.ts';

const texts = new WeakMap<object, string>();

export function rememberText(value: object, text: string): void {
  texts.set(value, text);
}

/** The text that the value was parsed from, undefined when nobody has remembered it. */
export function writtenTextOf(value: object): string | undefined {
  return texts.get(value);
}

/** The text that the value was parsed from, or else what JSON.stringify makes of it. */
export function jsonTextOf(value: object): string {
  return texts.get(value) ?? JSON.stringify(value);
}

/** An event as JSON text with its data as it was written. An event without data has none there either. */
export function writeEvent({ data, ...attributes }: JsonObject): string {
  const text = JSON.stringify(attributes);
  return typeof data === 'object' && data !== null ? withMember(text, 'data', jsonTextOf(data)) : text;
}

/** An object's text with one more member, behind the others. */
export function withMember(object: string, name: string, value: string): string {
  const begin = object.trimEnd().slice(0, -1).trimEnd();
  return `${begin}${begin.endsWith('{') ? '' : ','}${JSON.stringify(name)}:${value}}`;
}

/** Stands in the place of a text until all is written. Another one in each process: nobody else can write it. */
const MARK = `written:${globalThis.crypto.randomUUID()}:`;
const MARKS = new RegExp(`"${MARK}(\\d+)"`, 'g');

/** What {@link exactly} is writing now. */
let writing: string[] | undefined;

/** Lets {@link exactly} write `text` for `value`. */
export function asWritten<T extends object>(value: T, text: string): T {
  const toJSON = () => (writing === undefined ? value : `${MARK}${writing.push(text) - 1}`);
  return Object.defineProperty(value, 'toJSON', { value: toJSON });
}

/** The JSON that `write` gives, in which what {@link asWritten} knows stands as it was written. */
export function exactly(write: () => string): string {
  const found: string[] = [];
  writing = found;
  let text: string;
  try {
    text = write();
  } finally {
    writing = undefined;
  }
  // Names and the like may be texts of strangers too. What was written was mended before.
  const mended = mendedJson(text);
  return found.length === 0 ? mended : mended.replaceAll(MARKS, (_, i) => found[Number(i)] ?? 'null');
}

export function writeJson(value: unknown): string {
  return exactly(() => JSON.stringify(value));
}
