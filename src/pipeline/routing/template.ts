/** Audience templates: `user:{data.customerId}` filled in from an event; an array in the data fans out. */
import { type Audience, faultOfAudience, isAudience } from '../../contract/audience.ts';
import { normalised } from '../../contract/id.ts';
import type { JsonObject } from '../../contract/json.ts';
import { elementTexts } from '../../contract/json-text.ts';
import { type Read, refuse } from '../../contract/refusal.ts';
import {
  type Parts,
  type Path,
  partsOf,
  placeholderFault,
  type Roots,
  valueAt,
  writtenAt,
} from './placeholders.ts';

export interface Template {
  readonly text: string;
  readonly parts: Parts;
}

/** Two arrays in one template multiply: stop before that fills the memory. EVENT_MAX_AUDIENCES is at most this. */
const MAX_FAN_OUT = 100_000;

/** An id or a time is nobody's name. */
const AUDIENCE_ROOTS: Roots = { values: ['subject', 'source', 'type'], objects: ['data'] };

/** The fault of a template in words, or undefined when it is well-formed. */
export function templateFault(text: string, roots: Roots = AUDIENCE_ROOTS): string | undefined {
  const misplaced = placeholderFault(text, roots);
  if (misplaced !== undefined) return misplaced;
  const filled = partsOf(text).map((part) => (typeof part === 'string' ? part : 'x'));
  const fault = faultOfAudience(normalised(filled.join('')));
  if (fault === undefined) return undefined;
  return `"${text}" is not an audience: global, or user:, department: or topic: with an id or {placeholder}: ${fault}`;
}

export function compileTemplate(text: string): Template {
  return { text, parts: partsOf(text) };
}

/**
 * Fills a template in. Refused when a value that it needs is not there, or is one that no id can hold.
 *
 * @param owner whose template it is, for the refusal
 */
export function fillTemplate(
  template: Template,
  values: JsonObject,
  owner = "the route's audience",
): Read<readonly Audience[]> {
  let texts = [''];
  for (const part of template.parts) {
    if (typeof part === 'string') {
      texts = texts.map((text) => text + part);
      continue;
    }
    const found = idsAt(values, part);
    if (found === undefined) {
      const path = part.join('.');
      return refuse('invalid_event', `${owner} "${template.text}" needs ${path}`, path);
    }
    if (texts.length * found.length > MAX_FAN_OUT) {
      return refuse('too_many_audiences', `"${template.text}" fans out to more than ${MAX_FAN_OUT}`, 'data');
    }
    texts = texts.flatMap((text) => found.map((id) => text + id));
  }
  const audiences = texts.map(normalised);
  const isWhole = !texts.some((text) => text.includes(BROKEN));
  if (isWhole && audiences.every(isAudience)) return { ok: true, value: audiences };
  const fault = isWhole
    ? audiences.map(faultOfAudience).find((one) => one !== undefined)
    : 'it has half a character in it';
  return refuse(
    'invalid_audience',
    `"${template.text}" filled in from this event is not an audience: ${fault}`,
    'data',
  );
}

/** In digits alone. */
const WHOLE = /^-?\d+$/;

/** In the place of half a character: two ids that were broken could be one, and somebody else's. */
const BROKEN = '\ufffd';

/**
 * The strings at a path; one for a string or whole number, one each for an array of them, undefined for anything
 * else. A number that JSON.parse may have rounded could be somebody else's id: of that counts how it was written.
 */
function idsAt(root: JsonObject, path: Path): string[] | undefined {
  const value = valueAt(root, path);
  if (value === undefined) return undefined;
  const values = Array.isArray(value) ? value : [value];
  const isId = (item: unknown) => typeof item === 'string' || Number.isSafeInteger(item);
  if (values.every(isId)) return values.map(String);
  const text = writtenAt(root, path);
  const texts = text === undefined ? [] : Array.isArray(value) ? elementTexts(text) : [text];
  const ids: string[] = [];
  for (const [i, item] of values.entries()) {
    const id = isId(item) ? String(item) : texts[i];
    if (id === undefined || (typeof item !== 'string' && !WHOLE.test(id))) return undefined;
    ids.push(id);
  }
  return ids;
}
