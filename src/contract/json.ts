/** JSON as it comes from strangers: bytes to a value, bounded in depth, refused with a reason instead of thrown. */
import { z } from 'zod';
import { type Read, refuse } from './refusal.ts';

export type JsonObject = { readonly [key: string]: unknown };

/** Deeper nesting serves no notification, and recursive serialisers overflow their stack on it. */
const MAX_DEPTH = 64;

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

/** Parses UTF-8 JSON. Refuses with `not_json`; nesting deeper than 64 with `invalid_event`. */
export function parseJson(bytes: Uint8Array): Read<unknown> {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return refuse('not_json', 'the body is not valid UTF-8');
  }
  if (depthOf(text) > MAX_DEPTH) {
    return refuse('invalid_event', `the JSON is nested deeper than ${MAX_DEPTH}`);
  }
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return refuse('not_json', 'the body is not valid JSON');
  }
}

/** The deepest nesting of a JSON text, found without recursion and before anything is built from it. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === BACKSLASH) i += 1;
      else if (char === QUOTE) inString = false;
    } else if (char === QUOTE) {
      inString = true;
    } else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) {
      depth -= 1;
    }
  }
  return deepest;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
