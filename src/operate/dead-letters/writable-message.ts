/**
 * What of a stranger's message can be written again: its headers bounded in size and depth, and without what amqplib
 * reads and cannot write, or RabbitMQ passes on and does not take. One that is sent as it came could close the link
 * that it is sent on, each time anew.
 */
import type { MessageProperties, Options } from 'amqplib';
import { headersFault } from '../../adapters/rabbitmq/amqp-properties.ts';
import { AmqpValue, MAX_TABLE_DEPTH } from '../../adapters/rabbitmq/amqp-table.ts';
import { ENCODED_BODY_TYPE } from '../../adapters/rabbitmq/amqp10-sections.ts';
import { holdsAttributes } from '../../pipeline/ingest/attributes.ts';

export interface Original {
  readonly fields: { readonly routingKey: string };
  readonly properties: Readonly<
    Partial<Pick<MessageProperties, 'contentType' | 'contentEncoding' | 'headers' | 'type' | 'timestamp'>>
  >;
}

export interface Writable {
  readonly routingKey: string;
  readonly properties: Pick<
    Options.Publish,
    'contentType' | 'contentEncoding' | 'headers' | 'type' | 'timestamp'
  >;
  /** The names of what is not there, as text of at most 512 bytes; empty when all is. */
  readonly leftOut: string;
  /** An event in binary mode is no event any more: without one attribute it would be another event. */
  readonly losesAttributes: boolean;
}

/** Of a short string in AMQP. */
const MAX_SHORT_BYTES = 255;
const MAX_LEFT_OUT_BYTES = 512;
const MAX_NAMES = 10;
const MAX_NAME = 64;

/**
 * @param isDropped which headers do not go with it, and are not missed
 * @param maxBytes for all headers together, as written
 */
export function writable(
  { fields, properties }: Original,
  isDropped: (name: string) => boolean,
  maxBytes: number,
): Writable {
  const { headers: original, contentType, contentEncoding, type, timestamp } = properties;
  const { kept, missing, losesAttributes } = writableHeaders(original ?? {}, isDropped, maxBytes);
  const routingKey = cut(fields.routingKey, MAX_SHORT_BYTES);
  if (routingKey !== fields.routingKey) missing.unshift('a part of the routing key');
  const writableProperties: Writable['properties'] = { headers: kept };
  for (const [name, value] of Object.entries({ contentType, contentEncoding })) {
    if (typeof value !== 'string') continue;
    if (Buffer.byteLength(value) <= MAX_SHORT_BYTES) Object.assign(writableProperties, { [name]: value });
    else missing.unshift(name);
  }
  // How its body is encoded, and an event's time.
  if (type === ENCODED_BODY_TYPE) writableProperties.type = type;
  if (Number.isSafeInteger(timestamp) && timestamp >= 0) writableProperties.timestamp = timestamp;
  return { routingKey, properties: writableProperties, leftOut: listed(missing), losesAttributes };
}

/** Well-formed, and never longer than that in UTF-8. */
export function cut(text: string, maxBytes: number): string {
  // A character that is cut in two becomes one of three bytes.
  return Buffer.byteLength(text) <= maxBytes ? text : Buffer.from(text).toString('utf8', 0, maxBytes - 3);
}

/** How many bytes a table of these headers takes. MUST be such as amqplib can write. */
export function sizeOfHeaders(headers: Readonly<Record<string, unknown>>): number {
  return Object.entries(headers).reduce((sum, [name, value]) => sum + (sizeOfEntry(name, value) ?? 0), 4);
}

function writableHeaders(
  original: Readonly<Record<string, unknown>>,
  isDropped: (name: string) => boolean,
  maxBytes: number,
) {
  const fault = headersFault(original);
  const missing = (fault?.names ?? []).map(quoted);
  if (fault?.isCut) missing.push('all that follows');
  const entries = Object.entries(original).filter(([name]) => !isDropped(name));
  const attributes = entries.filter(([name]) => holdsAttributes(name));
  const sizes = attributes.map(([name, value]) => sizeOfEntry(name, value) ?? Number.POSITIVE_INFINITY);
  let bytes = sizes.reduce((sum, size) => sum + size, 4);
  const losesAttributes =
    fault?.isCut === true || fault?.names.some((name) => holdsAttributes(name)) === true || bytes > maxBytes;
  if (losesAttributes && attributes.length > 0) missing.unshift("all of the event's attributes");
  const kept = losesAttributes ? [] : attributes;
  if (losesAttributes) bytes = 4;
  for (const entry of entries) {
    const [name, value] = entry;
    if (holdsAttributes(name)) continue;
    const size = sizeOfEntry(name, value);
    if (size === undefined || bytes + size > maxBytes) missing.push(quoted(name));
    else {
      bytes += size;
      kept.push(entry);
    }
  }
  return { kept: Object.fromEntries(kept), missing, losesAttributes };
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, MAX_NAME).toWellFormed());
}

function listed(names: readonly string[]): string {
  const more = names.length - MAX_NAMES;
  const all = more > 0 ? [...names.slice(0, MAX_NAMES), `${more} more`] : names;
  return cut(all.join(', '), MAX_LEFT_OUT_BYTES);
}

/** Undefined when it cannot be written. */
function sizeOfEntry(name: string, value: unknown, levels = MAX_TABLE_DEPTH): number | undefined {
  const nameBytes = Buffer.byteLength(name);
  const size = nameBytes > MAX_SHORT_BYTES ? undefined : sizeOfValue(value, levels);
  return size === undefined ? undefined : 1 + nameBytes + size;
}

function sizeOfValue(value: unknown, levels: number): number | undefined {
  if (value === null) return 1;
  switch (typeof value) {
    case 'string':
      return 5 + Buffer.byteLength(value);
    case 'boolean':
      return 2;
    case 'number':
      return Number.isFinite(value) ? 9 : undefined;
    case 'object':
      return sizeOfObject(value, levels);
    default:
      return undefined;
  }
}

function sizeOfObject(value: object, levels: number): number | undefined {
  // RabbitMQ closes the channel over a number that is none.
  if (value instanceof AmqpValue)
    return typeof value.value === 'number' && !Number.isFinite(value.value) ? undefined : 9;
  if (Buffer.isBuffer(value)) return 5 + value.length;
  // Amqplib takes a stranger's `!` for the name of a type.
  if (levels === 0 || Object.hasOwn(value, '!')) return undefined;
  const sizes = Array.isArray(value)
    ? value.map((one) => sizeOfValue(one, levels - 1))
    : Object.entries(value).map(([name, one]) => sizeOfEntry(name, one, levels - 1));
  let sum = 5;
  for (const size of sizes) {
    if (size === undefined) return undefined;
    sum += size;
  }
  return sum;
}
