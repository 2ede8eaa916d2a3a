/** Turns zod schemas into the JSON Schemas of `components/schemas`, in the words that both contracts share. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { isJsonObject } from '../src/contract/json.ts';

export type Json = { [key: string]: unknown };

/**
 * Returns the schemas by name, together with those that they refer to by id, in alphabetical order.
 *
 * All schemas describe input. For messages that the service sends, this is the same, except that it leaves room for
 * future attributes.
 */
export function componentsOf(schemas: Readonly<Record<string, z.ZodType>>): Json {
  const components: Json = {};
  for (const [name, schema] of Object.entries(schemas)) {
    const { $schema, $defs, ...own } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
    // zod writes a schema with an id as a reference to its definition. Under that id it needs no second entry.
    if (own.$ref !== `#/$defs/${name}`) components[name] = own;
    Object.assign(components, $defs);
  }
  return sortedByKey(tidy(components, (ref) => ref.replace('#/$defs/', '#/components/schemas/')));
}

export function refTo(component: string): { $ref: string } {
  return { $ref: `#/components/schemas/${component}` };
}

/** A copy with renamed references, and without additions by zod that no reader needs. */
export function tidy(document: object, renamed: (ref: string) => string): Json {
  return JSON.parse(JSON.stringify(document), (key, value) => {
    if (key === '$ref') return renamed(value);
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).filter(([name, rule]) => isNeeded(name, rule, value)));
  });
}

function isNeeded(keyword: string, rule: unknown, schema: Readonly<Json>): boolean {
  switch (keyword) {
    // Receivers MUST ignore unknown fields. Otherwise nothing could ever be added.
    case 'additionalProperties':
      return rule !== false;
    // The pattern of a date only repeats its format at length.
    case 'pattern':
      return schema.format !== 'date-time';
    // Every property name is a string, and every whole number in JSON is within these bounds.
    case 'propertyNames':
      return !isDeepStrictEqual(rule, { type: 'string' });
    case 'minimum':
    case 'maximum':
      return typeof rule !== 'number' || Math.abs(rule) !== Number.MAX_SAFE_INTEGER;
    default:
      return true;
  }
}

export function sortedByKey(object: Readonly<Json>): Json {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** All `$ref` values in a document. */
export function refsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(refsIn);
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, child]) =>
    key === '$ref' && typeof child === 'string' ? [child] : refsIn(child),
  );
}
