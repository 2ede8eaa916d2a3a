/** What a source says of its events: templates for attributes, audiences and data. What it does not say has a default. */
import { eventSchema } from '../../contract/event.ts';
import type { JsonObject } from '../../contract/json.ts';
import { type Read, refuse } from '../../contract/refusal.ts';
import { fillTemplate, type Template } from '../routing/template.ts';
import {
  compileText,
  constantTextOf,
  fillText,
  type TextTemplate,
  textTemplateFault,
} from '../routing/text-template.ts';
import { type DataTemplate, fillData } from './data-template.ts';
import { MESSAGE_ROOTS, momentText } from './message-scope.ts';

/** Attributes that a source may give, and the most characters of each. */
export const ATTRIBUTES = {
  id: 256,
  source: 256,
  type: 255,
  time: 256,
  subject: 256,
  severity: 16,
  collapsekey: 128,
  expirytime: 256,
} as const;

export type AttributeName = keyof typeof ATTRIBUTES;

const REQUIRED: readonly AttributeName[] = ['id', 'source', 'type'];
const MOMENTS: readonly AttributeName[] = ['time', 'expirytime'];

/** The first that finds all that it needs counts; `null` leaves the attribute out. */
export type Alternatives = readonly (TextTemplate | null)[];

export interface EventTemplate {
  readonly attributes: ReadonlyMap<AttributeName, Alternatives>;
  /** All of them count, as in a route. */
  readonly audience: readonly Template[] | undefined;
  readonly data: DataTemplate | undefined;
}

/** What keeps a text from being a template of the attribute, in words; undefined: nothing. */
export function attributeFault(name: AttributeName, text: string | null): string | undefined {
  if (text === null)
    return REQUIRED.includes(name) ? `must be text: an event without ${name} is none` : undefined;
  const fault = textTemplateFault(text, MESSAGE_ROOTS);
  if (fault !== undefined) return fault;
  const template = compileText(text);
  const constant = constantTextOf(template);
  // What is filled in later is checked then.
  const isShort = name === 'severity' || MOMENTS.includes(name);
  if (constant === undefined && isShort) return undefined;
  const example = constant ?? template.parts.map((part) => (typeof part === 'string' ? part : 'x')).join('');
  return eventSchema.shape[name].safeParse(example).error?.issues[0]?.message;
}

/** The attributes that templates give; `undefined` for one that is to be left out. */
export function fillAttributes(
  { attributes }: EventTemplate,
  scope: JsonObject,
): Read<Readonly<Record<string, string | undefined>>> {
  const filled: Record<string, string | undefined> = {};
  for (const [name, alternatives] of attributes) {
    const value = fillAttribute(name, alternatives, scope);
    if (!value.ok) return value;
    filled[name] = value.value;
  }
  return { ok: true, value: filled };
}

function fillAttribute(
  name: AttributeName,
  alternatives: Alternatives,
  scope: JsonObject,
): Read<string | undefined> {
  const needed: string[] = [];
  for (const template of alternatives) {
    if (template === null) return { ok: true, value: undefined };
    const filled = fillText(template, scope, {
      maxCharacters: ATTRIBUTES[name],
      ...(name === 'source' ? { encode: encodeURI } : {}),
    });
    // An empty value distinguishes no events.
    if (filled.ok && filled.text !== '') return checked(name, template.text, filled.text);
    if (!filled.ok && filled.why !== 'missing')
      return refuse('invalid_event', `${name} must be at most ${ATTRIBUTES[name]} characters`, name);
    needed.push(filled.ok ? template.text : filled.path);
  }
  return refuse('invalid_event', `the source's template for ${name} needs ${needed.join(' or ')}`, name);
}

function checked(name: AttributeName, template: string, text: string): Read<string> {
  // Two values that were broken on their way could be one.
  if (text.includes('\ufffd') || text.includes('%EF%BF%BD'))
    return refuse('invalid_event', `"${template}" filled in has bytes that are no text`, name);
  const digits = MOMENTS.includes(name) && /^\d{9,16}$/.test(text) ? momentText(Number(text)) : undefined;
  return { ok: true, value: digits ?? text };
}

/** Undefined when the source says nothing of audiences. */
export function fillAudiences(
  { audience }: EventTemplate,
  scope: JsonObject,
  maxAudiences: number,
): Read<readonly string[] | undefined> {
  if (audience === undefined) return { ok: true, value: undefined };
  const all: string[] = [];
  for (const template of audience) {
    const filled = fillTemplate(template, scope, "the source's audience");
    if (!filled.ok) {
      // What is wrong is found where the template is: the message may have other fields.
      const { code, message } = filled.refusal;
      return refuse(code, message, 'audience');
    }
    if (all.length + filled.value.length > maxAudiences)
      return refuse('too_many_audiences', `more audiences than ${maxAudiences}`, 'audience');
    all.push(...filled.value);
  }
  // An empty list in the body would have routes decide.
  if (all.length === 0)
    return refuse('no_audience', "the source's audience is an empty list in this message", 'audience');
  return { ok: true, value: all };
}

/** Undefined when the source says nothing of the data. */
export function fillEventData({ data }: EventTemplate, scope: JsonObject, maxBytes: number) {
  return data === undefined ? undefined : fillData(data, scope, maxBytes);
}
