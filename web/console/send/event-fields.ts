/**
 * The form's fields as views of a CloudEvent. The event is the one truth: what the form does not show (a trace, more
 * data) stays in it, whoever of form and editor changed it last.
 */
import { isJsonObject, type JsonObject, textAt } from '../json-object.ts';

/** Where the text of a field stands in the event, as problems name it. */
const FIELD_PATHS = {
  title: 'data.title',
  body: 'data.body',
  url: 'data.url',
  type: 'type',
  source: 'source',
  id: 'id',
  severity: 'severity',
  collapsekey: 'collapsekey',
  expirytime: 'expirytime',
} as const;

export type TextField = keyof typeof FIELD_PATHS;

export type Field = TextField | 'audience';

/** How events are written, the data last. What is not named stands before the data. */
const ORDER = ['specversion', 'id', 'source', 'type', 'audience', 'severity', 'collapsekey', 'expirytime'];

const IN_DATA = 'data.';

function dataOf(event: JsonObject): JsonObject {
  return isJsonObject(event.data) ? event.data : {};
}

/** Empty for what is not there or no text. */
export function readText(event: JsonObject, field: TextField): string {
  const path = FIELD_PATHS[field];
  const inData = path.startsWith(IN_DATA);
  return textAt(inData ? dataOf(event) : event, inData ? path.slice(IN_DATA.length) : path) ?? '';
}

/** An empty text takes the attribute out. */
export function withText(event: JsonObject, field: TextField, text: string): JsonObject {
  const path = FIELD_PATHS[field];
  if (!path.startsWith(IN_DATA)) return ordered(withMember(event, path, text));
  return ordered({ ...event, data: withMember(dataOf(event), path.slice(IN_DATA.length), text) });
}

/** A string with commas and an array say the same. What is no text is left out. */
export function readAudiences(event: JsonObject): readonly string[] {
  const { audience } = event;
  if (typeof audience === 'string') return audience.split(',').map((part) => part.trim());
  if (!Array.isArray(audience)) return [];
  return audience.filter((element) => typeof element === 'string');
}

/** Without any audience routes decide. */
export function withAudiences(event: JsonObject, audiences: readonly string[]): JsonObject {
  const { audience: _, ...others } = event;
  return ordered(audiences.length === 0 ? others : { ...others, audience: audiences });
}

/** The field that a problem's path is about; undefined when the form has none. */
export function fieldOf(path: string | undefined): Field | undefined {
  if (path === undefined) return undefined;
  if (/^audience\b/.test(path)) return 'audience';
  const fields = Object.entries(FIELD_PATHS).filter(([, fieldPath]) => fieldPath === path);
  return isField(fields[0]?.[0]) ? fields[0][0] : undefined;
}

/** Which audience of several a problem's path is about. */
export function audienceIndexOf(path: string | undefined): number | undefined {
  const index = /^audience\[(\d+)\]/.exec(path ?? '')?.[1];
  return index === undefined ? undefined : Number(index);
}

export function textOf(event: JsonObject): string {
  return JSON.stringify(event, null, 2);
}

function isField(name: string | undefined): name is TextField {
  return name !== undefined && name in FIELD_PATHS;
}

function withMember(object: JsonObject, name: string, text: string): JsonObject {
  if (text !== '') return { ...object, [name]: text };
  const { [name]: _, ...others } = object;
  return others;
}

function ordered({ data, ...attributes }: JsonObject): JsonObject {
  const known = ORDER.filter((name) => name in attributes).map((name) => [name, attributes[name]]);
  return {
    ...Object.fromEntries(known),
    ...Object.fromEntries(Object.entries(attributes).filter(([name]) => !ORDER.includes(name))),
    ...(data === undefined ? {} : { data }),
  };
}
