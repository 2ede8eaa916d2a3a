/** Zod schemas → the JSON Schemas of `components/schemas`, in the words that both contracts share. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { isJsonObject } from '../src/contract/json.ts';

export type Json = { [key: string]: unknown };

/**
 * Each schema under its name, and under their ids those that they refer to, in alphabetical order.
 *
 * All are described as input: of what the service sends that is the same, but open to attributes to come.
 */
export function componentsOf(schemas: Readonly<Record<string, z.ZodType>>): Json {
  const components: Json = {};
  for (const [name, schema] of Object.entries(schemas)) {
    const { $schema, $defs, ...own } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
    // A schema with an id comes as a reference to its definition; under that id it needs no other.
    if (own.$ref !== `#/$defs/${name}`) components[name] = own;
    Object.assign(components, $defs);
  }
  return sortedByKey(tidy(components, (ref) => ref.replace('#/$defs/', '#/components/schemas/')));
}

export function refTo(component: string): { $ref: string } {
  return { $ref: `#/components/schemas/${component}` };
}

/** A copy without what zod adds of its own and nobody needs to know, and with its references renamed. */
export function tidy(document: object, renamed: (ref: string) => string): Json {
  return JSON.parse(JSON.stringify(document), (key, value) => {
    if (key === '$ref') return renamed(value);
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).filter(([name, rule]) => isNeeded(name, rule, value)));
  });
}

function isNeeded(keyword: string, rule: unknown, schema: Readonly<Json>): boolean {
  switch (keyword) {
    // Receivers MUST ignore what they do not know, or nothing could ever be added.
    case 'additionalProperties':
      return rule !== false;
    // The pattern of a date is its format once more, at length.
    case 'pattern':
      return schema.format !== 'date-time';
    // Every property name is a string, and every whole number of JSON is within these bounds.
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

/** Every `$ref` within a document. */
export function refsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(refsIn);
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, child]) =>
    key === '$ref' && typeof child === 'string' ? [child] : refsIn(child),
  );
}
