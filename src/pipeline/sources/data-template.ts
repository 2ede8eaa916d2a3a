/** The data of a source's event: a mapping whose texts have placeholders, or one placeholder alone, taken as it is. */
import { isJsonObject, type JsonObject } from '../../contract/json.ts';
import { type Read, refuse } from '../../contract/refusal.ts';
import { jsonTextOf } from '../../contract/written.ts';
import { type Path, valueAt, writtenAt } from '../routing/placeholders.ts';
import {
  compileText,
  constantTextOf,
  fillText,
  onlyPathOf,
  type TextTemplate,
  textTemplateFault,
} from '../routing/text-template.ts';
import { MESSAGE_ROOTS } from './message-scope.ts';

export type DataTemplate =
  | { readonly kind: 'constant'; readonly text: string }
  /** Any value, as it was written. */
  | { readonly kind: 'value'; readonly path: Path }
  | { readonly kind: 'text'; readonly template: TextTemplate }
  | { readonly kind: 'list'; readonly items: readonly DataTemplate[] }
  | { readonly kind: 'mapping'; readonly members: readonly (readonly [name: string, DataTemplate])[] };

/** Deeper ones serve nobody. */
const MAX_DEPTH = 16;

interface Fault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** All faults of a `data` in a file; none when {@link compileData} takes it. */
export function dataFaults(value: unknown): readonly Fault[] {
  const isWhole =
    typeof value === 'string' &&
    textTemplateFault(value, MESSAGE_ROOTS) === undefined &&
    onlyPathOf(compileText(value)) !== undefined;
  if (!isWhole && !isJsonObject(value)) {
    const fault = typeof value === 'string' ? textTemplateFault(value, MESSAGE_ROOTS) : undefined;
    return [{ path: [], message: fault ?? 'must be a mapping, or one {placeholder} alone, like "{body}"' }];
  }
  return faultsWithin(value, [], MAX_DEPTH);
}

function faultsWithin(value: unknown, path: readonly PropertyKey[], levels: number): Fault[] {
  if (typeof value === 'string') {
    const message = textTemplateFault(value, MESSAGE_ROOTS);
    return message === undefined ? [] : [{ path, message }];
  }
  if (value === null || typeof value === 'boolean') return [];
  if (typeof value === 'number')
    return Number.isFinite(value) ? [] : [{ path, message: 'must be a finite number' }];
  if (levels === 0) return [{ path, message: `must be nested at most ${MAX_DEPTH} deep` }];
  if (Array.isArray(value)) return value.flatMap((one, i) => faultsWithin(one, [...path, i], levels - 1));
  if (!isJsonObject(value) || Object.getPrototypeOf(value) !== Object.prototype)
    return [{ path, message: 'must be text, a number, true, false, null, a list or a mapping' }];
  return Object.entries(value).flatMap(([name, one]) => faultsWithin(one, [...path, name], levels - 1));
}

/** MUST have no {@link dataFaults}. */
export function compileData(value: unknown): DataTemplate {
  if (typeof value === 'string') {
    const template = compileText(value);
    const constant = constantTextOf(template);
    if (constant !== undefined) return { kind: 'constant', text: JSON.stringify(constant) };
    const path = onlyPathOf(template);
    return path === undefined ? { kind: 'text', template } : { kind: 'value', path };
  }
  if (Array.isArray(value)) return { kind: 'list', items: value.map(compileData) };
  if (!isJsonObject(value)) return { kind: 'constant', text: JSON.stringify(value) };
  return { kind: 'mapping', members: Object.entries(value).map(([name, one]) => [name, compileData(one)]) };
}

/** The data, and its text as the parts of it were written. */
export function fillData(
  template: DataTemplate,
  scope: JsonObject,
  maxBytes: number,
): Read<{ readonly data: JsonObject; readonly text: string }> {
  if (template.kind === 'value') {
    const data = valueAt(scope, template.path);
    if (isJsonObject(data))
      return { ok: true, value: { data, text: writtenAt(scope, template.path) ?? jsonTextOf(data) } };
    return notAnObject(data, template.path);
  }
  const written = new Writing(scope, maxBytes).write(template, 'data');
  if (!written.ok) return written;
  const data: unknown = JSON.parse(written.value);
  return isJsonObject(data) ? { ok: true, value: { data, text: written.value } } : notAnObject(data, []);
}

export function notAnObject(found: unknown, path: Path): { ok: false } & ReturnType<typeof refuse> {
  const what = Array.isArray(found)
    ? 'a list'
    : found === null
      ? 'null'
      : found === undefined
        ? 'nothing'
        : `a ${typeof found}`;
  const where = path.length === 0 ? 'the data' : path.join('.');
  return refuse(
    'invalid_event',
    `${where} is ${what}, and data must be a JSON object: give the source a mapping, like data: { value: "{body}" }`,
    'data',
  );
}

class Writing {
  readonly #scope: JsonObject;
  readonly #maxBytes: number;
  /** Some placeholders may stand for all of the body, many times. */
  #left: number;

  constructor(scope: JsonObject, maxBytes: number) {
    this.#scope = scope;
    this.#maxBytes = maxBytes;
    this.#left = maxBytes;
  }

  write(template: DataTemplate, path: string): Read<string> {
    switch (template.kind) {
      case 'constant':
        return this.#count(template.text);
      case 'value': {
        const value = valueAt(this.#scope, template.path);
        if (value === undefined) return missing(path, template.path.join('.'));
        return this.#count(writtenAt(this.#scope, template.path) ?? JSON.stringify(value));
      }
      case 'text': {
        const filled = fillText(template.template, this.#scope, { maxCharacters: this.#maxBytes });
        if (filled.ok) return this.#count(JSON.stringify(filled.text));
        return filled.why === 'missing' ? missing(path, filled.path) : this.#tooLarge();
      }
      case 'list':
        return this.#all(
          template.items.map((item, i) => () => this.write(item, `${path}[${i}]`)),
          '[',
          ']',
        );
      case 'mapping':
        return this.#all(
          template.members.map(([name, member]) => () => {
            const written = this.write(member, `${path}.${name}`);
            return written.ok ? { ok: true, value: `${JSON.stringify(name)}:${written.value}` } : written;
          }),
          '{',
          '}',
        );
    }
  }

  #all(parts: readonly (() => Read<string>)[], open: string, close: string): Read<string> {
    const texts: string[] = [];
    for (const part of parts) {
      const written = part();
      if (!written.ok) return written;
      texts.push(written.value);
    }
    return { ok: true, value: `${open}${texts.join()}${close}` };
  }

  #count(text: string): Read<string> {
    this.#left -= text.length;
    return this.#left < 0 ? this.#tooLarge() : { ok: true, value: text };
  }

  #tooLarge() {
    return refuse(
      'too_large',
      `the data that the source makes of it is larger than ${this.#maxBytes} bytes`,
      'data',
    );
  }
}

function missing(path: string, needed: string) {
  return refuse('invalid_event', `the source's template needs ${needed}`, path);
}
