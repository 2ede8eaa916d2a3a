/** Placeholders in templates, `{data.customer.name}`: how they are written, and what they find in an event or a message. */
import { isJsonObject, type JsonObject } from '../../contract/json.ts';
import { elementTexts, memberText } from '../../contract/json-text.ts';
import { writtenTextOf } from '../../contract/written.ts';

/** The names on the way to a value: `['data', 'customer', 'name']`. */
export type Path = readonly string[];

/** Text and paths in turn, text first and last: `['user:', ['data', 'id'], '']`. */
export type Parts = readonly (string | Path)[];

/** What placeholders may begin with. */
export interface Roots {
  /** Those that are values themselves: `{subject}`. */
  readonly values: readonly string[];
  /** Those that have fields: `{data.<field>}`. One that is in both lists may stand alone as well. */
  readonly objects: readonly string[];
}

/** Of what an event is made. Its extension attributes are not among them. */
export const EVENT_ROOTS: Roots = { values: ['subject', 'source', 'type', 'id', 'time'], objects: ['data'] };

/** A brace that stands for itself is written twice. A single one without its partner is text here, and a fault to some. */
const TOKENS = /\{\{|\}\}|\{[^{}]*\}/g;
/** A name that has dots in it stands in quotes. */
const FIELDS = /\.(?:"([^"]+)"|([^.]+))/y;

/** What is wrong with the placeholders of a text, in words; undefined when all of them begin with one of the roots. */
export function placeholderFault(text: string, roots: Roots): string | undefined {
  for (const [token] of text.matchAll(TOKENS)) {
    if (!isPlaceholder(token)) continue;
    const names = pathIn(token);
    const [root = '', ...fields] = names ?? [];
    const allowed = fields.length === 0 ? roots.values : roots.objects;
    if (!allowed.includes(root)) return `${token} is not ${inWords(roots)}`;
  }
  return undefined;
}

/** Whether a brace stands there that belongs to no placeholder and is not written twice. */
export function hasLoneBrace(text: string): boolean {
  return /[{}]/.test(text.replaceAll(TOKENS, ''));
}

/** MUST have no {@link placeholderFault}. */
export function partsOf(text: string): Parts {
  const parts: (string | Path)[] = [];
  let before = '';
  let from = 0;
  for (const { 0: token, index } of text.matchAll(TOKENS)) {
    before += text.slice(from, index);
    from = index + token.length;
    const path = isPlaceholder(token) ? pathIn(token) : undefined;
    if (path === undefined) before += token === '{{' ? '{' : token === '}}' ? '}' : token;
    else {
      parts.push(before, path);
      before = '';
    }
  }
  return [...parts, before + text.slice(from)];
}

/**
 * What stands at a path, undefined when nothing does. Only what objects and arrays have themselves: nothing that they
 * inherit, and of an array its elements, by their index.
 */
export function valueAt(root: JsonObject, path: Path): unknown {
  let value: unknown = root;
  for (const name of path) {
    const inner = memberOf(value, name);
    if (inner === undefined) return undefined;
    value = inner;
  }
  return value;
}

/**
 * The JSON text of what stands at a path, as it was written: JSON.parse keeps of a number what a double holds. Undefined
 * when no object on the way remembers its text.
 */
export function writtenAt(root: JsonObject, path: Path): string | undefined {
  let value: unknown = root;
  let text: string | undefined;
  for (const name of path) {
    if (text !== undefined)
      text = Array.isArray(value) ? elementTexts(text)[Number(name)] : memberText(text, name);
    value = memberOf(value, name);
    if (text === undefined && typeof value === 'object' && value !== null) text = writtenTextOf(value);
  }
  return text;
}

const INDEX = /^(?:0|[1-9]\d{0,8})$/;

function memberOf(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return INDEX.test(name) ? value[Number(name)] : undefined;
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function isPlaceholder(token: string): boolean {
  return token !== '{{' && token !== '}}';
}

/** Undefined for what is no path. */
function pathIn(placeholder: string): Path | undefined {
  const inside = placeholder.slice(1, -1);
  const dot = inside.indexOf('.');
  if (dot === -1) return [inside];
  const names = [inside.slice(0, dot)];
  for (FIELDS.lastIndex = dot; FIELDS.lastIndex < inside.length; ) {
    const field = FIELDS.exec(inside);
    const name = field?.[1] ?? field?.[2];
    if (name === undefined) return undefined;
    names.push(name);
  }
  return names;
}

/** `data.<field>, subject, source or type`. */
function inWords({ values, objects }: Roots): string {
  const all = [...objects.map((name) => `${name}.<field>`), ...values];
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`;
}
