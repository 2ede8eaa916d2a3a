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
  const text = decoded(bytes);
  if (text === undefined) return refuse('not_json', 'the body is not valid UTF-8');
  const parsed = parse(text);
  if (parsed === undefined) return refuse('not_json', 'the body is not valid JSON');
  const { value } = parsed;
  const maxDepth = MAX_DATA_DEPTH + levelsAround;
  // Each level has a bracket of its own: where there are fewer of them nobody has to look, and that is nearly always.
  if (hasMoreBracketsThan(maxDepth, text) && isDeeperThan(maxDepth, value)) {
    return refuse('invalid_event', `the JSON is nested deeper than ${maxDepth}`);
  }
  return { ok: true, value: { value, text } };
}

/**
 * What lies in Redis or in RabbitMQ as JSON; undefined when it is none or has another form. Another version may have
 * written it, or a hand. Notifications in logs are read by `parseNotification`, which costs less.
 */
export function readStored<T>(form: z.ZodType<T>, json: string | Uint8Array): T | undefined {
  const text = typeof json === 'string' ? json : decoded(json);
  const parsed = text === undefined ? undefined : parse(text);
  return parsed === undefined ? undefined : form.safeParse(parsed.value).data;
}

/** Undefined when it is not valid UTF-8. */
function decoded(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    // A fatal decoder throws for nothing else.
    return undefined;
  }
}

/** Undefined when it is not valid JSON. */
function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    // JSON.parse throws for nothing else.
    return undefined;
  }
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
