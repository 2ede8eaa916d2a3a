/** JSON as it comes from strangers: bytes to a value, bounded in depth, refused with a reason instead of thrown. */
import { z } from 'zod';
import { type Read, refuse } from './refusal.ts';

export type JsonObject = { readonly [key: string]: unknown };

/** Of an event's data. Deeper nesting serves no notification, and recursive serialisers overflow their stack on it. */
const MAX_DATA_DEPTH = 64;

const utf8 = new TextDecoder('utf-8', { fatal: true });

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Any JSON object, kept as parsed: copying it key by key would be slow, and would make a `__proto__` key that
 * JSON.parse kept harmless into a prototype.
 */
export const jsonObjectSchema = z
  .custom<JsonObject>(isJsonObject, { error: 'must be a JSON object' })
  .meta({ type: 'object', additionalProperties: true });

/** A value, and the text that it was parsed from. */
interface ParsedJson {
  readonly value: unknown;
  readonly text: string;
}

/**
 * Parses UTF-8 JSON. Refuses with `not_json`; data nested deeper than 64 with `invalid_event`. `levelsAround`: in how
 * many objects and arrays the data stands in these bytes; one is the event.
 */
export function parseJsonText(bytes: Uint8Array, levelsAround = 1): Read<ParsedJson> {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return refuse('not_json', 'the body is not valid UTF-8');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse('not_json', 'the body is not valid JSON');
  }
  const maxDepth = MAX_DATA_DEPTH + levelsAround;
  // Each level has a bracket of its own: where there are fewer of them nobody has to look, and that is nearly always.
  if (hasMoreBracketsThan(maxDepth, text) && isDeeperThan(maxDepth, value)) {
    return refuse('invalid_event', `the JSON is nested deeper than ${maxDepth}`);
  }
  return { ok: true, value: { value, text } };
}

/** As {@link parseJsonText}, for whom the text does not matter. */
export function parseJson(bytes: Uint8Array): Read<unknown> {
  const parsed = parseJsonText(bytes);
  return parsed.ok ? { ok: true, value: parsed.value.value } : parsed;
}

function hasMoreBracketsThan(most: number, text: string): boolean {
  let count = 0;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      count += 1;
      if (count > most) return true;
    }
  }
  return false;
}

function isDeeperThan(depth: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  return Object.values(value).some((inner) => isDeeperThan(depth - 1, inner));
}
