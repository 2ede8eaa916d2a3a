/**
 * Text templates: `Order {data.id} has shipped`, compiled once and filled in from an event or a message. For texts that
 * people read, and for attributes; `template.ts` finds whom an event is for, whose ids follow stricter rules.
 */
import type { JsonObject } from '../../contract/json.ts';
import {
  hasLoneBrace,
  type Parts,
  type Path,
  partsOf,
  placeholderFault,
  type Roots,
  valueAt,
  writtenAt,
} from './placeholders.ts';

export interface TextTemplate {
  readonly text: string;
  readonly parts: Parts;
}

export interface FillOptions {
  /** Most characters (UTF-16 units) of the filled text. */
  readonly maxCharacters: number;
  /** A longer one ends early, with an ellipsis, instead of being refused. @default false */
  readonly isCut?: boolean;
  /** What stands for a value, for example percent-encoded; undefined: the value cannot stand there. */
  readonly encode?: (value: string, before: string) => string | undefined;
}

/** `missing`: nothing, null, or an object or array, is at `path`. `not_allowed`: `encode` has refused what is there. */
export type Filled =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly why: 'missing' | 'too_long' | 'not_allowed'; readonly path: string };

/** The fault of a text in words, or undefined when it is well-formed. */
export function textTemplateFault(text: string, roots: Roots): string | undefined {
  if (!text.isWellFormed()) return 'must be well-formed Unicode';
  if (hasLoneBrace(text)) return 'has a single { or }: a brace that stands for itself is written twice';
  return placeholderFault(text, roots);
}

/** MUST have no {@link textTemplateFault}. */
export function compileText(text: string): TextTemplate {
  return { text, parts: partsOf(text) };
}

/** Whether it is the same text whatever it is filled in from; then the text, with single braces. */
export function constantTextOf({ parts }: TextTemplate): string | undefined {
  const [only] = parts;
  return parts.length === 1 && typeof only === 'string' ? only : undefined;
}

/** The path of a template that is nothing but one placeholder: what is there may be taken as it is, of any kind. */
export function onlyPathOf({ parts }: TextTemplate): Path | undefined {
  const [before, path, after] = parts;
  return parts.length === 3 && before === '' && after === '' && typeof path !== 'string' ? path : undefined;
}

/** Fills a template in. Work and memory are bounded by `maxCharacters`, whatever the values. */
export function fillText({ parts }: TextTemplate, values: JsonObject, options: FillOptions): Filled {
  const { maxCharacters, isCut = false, encode } = options;
  let text = '';
  let path: Path = [];
  for (const part of parts) {
    if (typeof part === 'string') text += part;
    else {
      path = part;
      const value = textAt(values, part);
      if (value === undefined) return { ok: false, why: 'missing', path: part.join('.') };
      // No more of it than could be shown: encoding makes it longer.
      if (value.length > maxCharacters && !isCut) return { ok: false, why: 'too_long', path: part.join('.') };
      const short = value.slice(0, maxCharacters + 1).toWellFormed();
      const encoded = encode === undefined ? short : encode(short, text);
      if (encoded === undefined) return { ok: false, why: 'not_allowed', path: part.join('.') };
      text += encoded;
    }
    if (text.length <= maxCharacters) continue;
    if (!isCut) return { ok: false, why: 'too_long', path: path.join('.') };
    return { ok: true, text: cut(text, maxCharacters) };
  }
  return { ok: true, text: text.toWellFormed() };
}

/** The text of a string, number or boolean; undefined for anything else. A number stays as it was written. */
function textAt(values: JsonObject, path: Path): string | undefined {
  const value = valueAt(values, path);
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return writtenAt(values, path) ?? String(value);
  return typeof value === 'boolean' ? String(value) : undefined;
}

/** Not within a character. */
function cut(text: string, maxCharacters: number): string {
  const short = text.slice(0, Math.max(maxCharacters - 1, 0));
  const isHalf = /[\ud800-\udbff]$/.test(short);
  return `${(isHalf ? short.slice(0, -1) : short).trimEnd().toWellFormed()}…`;
}
