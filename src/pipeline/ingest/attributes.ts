/**
 * The CloudEvents attributes beside the body of an AMQP message, as the bindings and SDKs write them; and, of a message
 * that is refused, under which other name an attribute was written.
 */
import { isDeepStrictEqual } from 'node:util';
import type { MessageProperties } from 'amqplib';
import { APP_PROPERTIES_HEADER, readAppProperties } from '../../adapters/rabbitmq/amqp10-sections.ts';
import { isJsonObject, type JsonObject } from '../../contract/json.ts';
import { type Read, type Refusal, refuse } from '../../contract/refusal.ts';
import { visible } from '../../contract/visible.ts';

export type Beside = Partial<Pick<MessageProperties, 'headers' | 'timestamp'>>;

/** Those of the AMQP binding, of which the second is for names without a colon, and that of RabbitMQ's own binding. */
const ATTRIBUTE = /^(?:cloudEvents[:_]|ce-)(.+)$/;

const [C, X] = ['c'.charCodeAt(0), 'x'.charCodeAt(0)];

/** The header is an attribute, or holds some. */
export function holdsAttributes(name: string): boolean {
  return ATTRIBUTE.test(name) || name === APP_PROPERTIES_HEADER;
}

/** Undefined when there are none. Two that contradict each other are refused, and what cannot be read. */
export function attributesIn({ headers, timestamp }: Beside): Read<JsonObject> | undefined {
  if (headers === undefined) return undefined;
  let found: Found | undefined;
  for (const name of Object.keys(headers)) {
    const first = name.charCodeAt(0);
    if (first === C) {
      const attribute = ATTRIBUTE.exec(name)?.[1];
      if (attribute === undefined) continue;
      found ??= new Found();
      found.add(attribute, name, headers[name]);
    } else if (first === X && name === APP_PROPERTIES_HEADER) {
      const properties = readAppProperties(headers[name]);
      if (properties === undefined) {
        return refuse('invalid_headers', 'the AMQP 1.0 application properties cannot be read', name);
      }
      for (const [property, value] of properties) {
        const attribute = ATTRIBUTE.exec(property)?.[1];
        if (attribute === undefined) continue;
        found ??= new Found();
        found.add(attribute, property, value);
      }
    }
  }
  return found?.read(timestamp);
}

class Found {
  readonly #values = new Map<string, unknown>();
  /** The attribute that is there twice, and its second name. */
  #conflict: readonly [attribute: string, name: string] | undefined;

  add(attribute: string, name: string, given: unknown): void {
    const value = readValue(attribute, given);
    const known = this.#values.get(attribute);
    if (known === undefined) this.#values.set(attribute, value);
    else if (!isDeepStrictEqual(known, value)) this.#conflict ??= [attribute, name];
  }

  read(timestamp: unknown): Read<JsonObject> {
    if (this.#conflict !== undefined) {
      const [attribute, name] = this.#conflict.map(shownName);
      const what = `${attribute} is there as ${name} and with another prefix, and they differ: send one of them`;
      return refuse('invalid_event', what, attribute);
    }
    const time = timestamp === undefined || this.#values.has('time') ? undefined : momentIn(timestamp);
    if (time !== undefined) this.#values.set('time', time);
    return { ok: true, value: Object.fromEntries(this.#values) };
  }
}

/** SDKs write moments as text, as AMQP timestamps or as milliseconds. */
function readValue(attribute: string, value: unknown): unknown {
  if (typeof value === 'string') return value;
  const isMoment = attribute === 'time' || attribute === 'expirytime';
  if (isMoment && typeof value === 'number')
    return value < FIRST_MILLISECONDS ? value : (momentIn(value) ?? value);
  return fromAmqp(value);
}

/** amqplib gives AMQP timestamps as `{ '!': 'timestamp', value: seconds }`. */
export function fromAmqp(value: unknown): unknown {
  if (!isJsonObject(value) || value['!'] !== 'timestamp') return value;
  return momentIn(value.value) ?? value;
}

/**
 * No moment in seconds of the next 3,000 years is as large, and each one in milliseconds since 1973 is. AMQP 0-9-1 counts
 * seconds; RabbitMQ passes AMQP 1.0's creation time on in milliseconds, and some clients write them too.
 */
const FIRST_MILLISECONDS = 100_000_000_000;

function momentIn(value: unknown): string | undefined {
  if (typeof value !== 'number' || !Number.isInteger(value)) return undefined;
  const date = new Date(Math.abs(value) < FIRST_MILLISECONDS ? value * 1_000 : value);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

const REQUIRED = ['specversion', 'id', 'source', 'type'];
/** As CloudEvents 0.1 had them. */
const FORMER = new Map([
  ['specversion', 'cloudeventsversion'],
  ['id', 'eventid'],
  ['type', 'eventtype'],
]);
const OTHER_PREFIX = /^(?:x[-_.])?(?:cloud[-_.]?events?|ce)[-_.:]*/;
const MAX_FOUND = 3;
const MAX_NAME = 64;

/** The refusal, with the names under which the attribute that is missing was written. Costs only what is refused. */
export function withOtherNames(
  refusal: Refusal,
  { headers = {} }: Beside,
  envelopeOf: () => JsonObject | undefined,
): Refusal {
  const isNoEvent = refusal.code === 'unsupported_media_type' || refusal.code === 'not_json';
  const missing = isNoEvent ? 'specversion' : refusal.path;
  if (missing === undefined || !REQUIRED.includes(missing)) return refusal;
  const envelope = envelopeOf() ?? {};
  if (!isNoEvent && envelope[missing] !== undefined) return refusal;
  const beside = [...Object.keys(headers), ...appPropertyNames(headers)];
  // It is there, and something else is wrong with it.
  if (beside.some((name) => ATTRIBUTE.exec(name)?.[1] === missing)) return refusal;
  // In binary mode the envelope was made of these.
  const names = beside.some(holdsAttributes) ? beside : [...beside, ...Object.keys(envelope)];
  const found = [...new Set(names)].filter((name) => isOtherNameOf(missing, name)).slice(0, MAX_FOUND);
  if (found.length === 0) return refusal;
  const what = isNoEvent ? refusal.message : `${missing} is required`;
  const right = `an attribute is cloudEvents:${missing} or ce-${missing} as a header, and ${missing} in JSON`;
  return { ...refusal, message: `${what}; found ${found.map(shownName).join(', ')}: ${right}` };
}

/** In other letters, behind another prefix, with other signs between its words, or as it was called formerly. */
function isOtherNameOf(attribute: string, name: string): boolean {
  if (name === attribute || name.length > MAX_NAME) return false;
  const letters = (text: string) => text.replaceAll(/[-_]/g, '');
  const lower = name.toLowerCase();
  const bare = letters(lower.replace(OTHER_PREFIX, ''));
  return bare === attribute || [bare, letters(lower)].includes(FORMER.get(attribute) ?? '');
}

function appPropertyNames(headers: Readonly<Record<string, unknown>>): readonly string[] {
  const properties = readAppProperties(headers[APP_PROPERTIES_HEADER]);
  return properties?.map(([name]) => name) ?? [];
}

function shownName(name: string): string {
  return visible(name.slice(0, MAX_NAME));
}
