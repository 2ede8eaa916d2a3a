/** What the templates of a source are filled in from: a message, as plain values. */
import { createHash } from 'node:crypto';
import { AmqpValue } from '../../adapters/rabbitmq/amqp-table.ts';
import { APP_PROPERTIES_HEADER, readAppProperties } from '../../adapters/rabbitmq/amqp10-sections.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { Roots } from '../routing/placeholders.ts';
import type { Arrival } from './arrival.ts';

/** As amqplib names them. */
export const PROPERTIES = [
  'messageId',
  'appId',
  'type',
  'timestamp',
  'correlationId',
  'replyTo',
  'userId',
  'contentType',
  'expiration',
  'priority',
] as const;

export const MESSAGE_ROOTS: Roots = {
  values: ['body', 'data', 'routingKey', 'exchange', 'queue', 'hash'],
  objects: ['body', 'data', 'headers', 'properties'],
};

/** `body`: what the body holds. `data`: what of it the envelope calls the data. Both remember how they were written. */
export function scopeOf(arrival: Arrival, body: unknown, data: unknown): JsonObject {
  const { fields, properties, origin } = arrival;
  return {
    body,
    data,
    routingKey: fields.routingKey,
    exchange: origin?.exchange,
    queue: origin?.queue,
    // Each costs something, and few templates ask for one.
    get hash() {
      return hashOf(arrival);
    },
    get headers() {
      return headersIn(properties.headers ?? {});
    },
    get properties() {
      return propertiesIn(properties);
    },
  };
}

/** The same for each delivery of one message, and of its dead letter: a repeat is recognised by it. */
export function hashOf({ content, fields, properties, origin }: Arrival): string {
  const { timestamp } = properties;
  // Others are not kept with a dead letter.
  const time = Number.isSafeInteger(timestamp) ? timestamp : '';
  return createHash('sha256')
    .update(`${origin?.exchange ?? ''}\0${fields.routingKey}\0${time}\0`)
    .update(content)
    .digest('base64url');
}

function propertiesIn(properties: Arrival['properties']): JsonObject {
  return {
    ...Object.fromEntries(PROPERTIES.map((name) => [name, properties[name]])),
    timestamp: momentText(properties.timestamp),
  };
}

function headersIn(headers: Readonly<Record<string, unknown>>): JsonObject {
  const theirs = Object.entries(headers).filter(([name]) => !name.startsWith('x-carillon-'));
  // AMQP 1.0 calls them application properties.
  for (const [name, value] of readAppProperties(headers[APP_PROPERTIES_HEADER]) ?? [])
    theirs.push([name, value]);
  return Object.fromEntries(theirs.map(([name, value]) => [name, plainValue(value)]));
}

/** As JSON could say it; bytes say nothing. The tables are bounded in depth. */
function plainValue(value: unknown): unknown {
  if (value instanceof AmqpValue)
    return value['!'] === 'timestamp' ? momentText(Number(value.value)) : plainNumber(value);
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value !== 'object' || value === null) return value;
  if (Buffer.isBuffer(value)) return undefined;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plainValue(one)]));
}

/** Digits that no double holds are text. */
function plainNumber({ value }: AmqpValue): unknown {
  return typeof value === 'number' || typeof value === 'string' ? value : undefined;
}

/** Seconds would be in the year 5138. */
const MILLISECONDS_FROM = 1e11;

/**
 * A moment as RFC 3339, of seconds or, as some write them, milliseconds since 1970; undefined when it can be neither.
 */
export function momentText(since1970: unknown): string | undefined {
  if (typeof since1970 !== 'number' || !(since1970 > 0)) return undefined;
  const date = new Date(since1970 >= MILLISECONDS_FROM ? since1970 : since1970 * 1_000);
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9_999 ? undefined : date.toISOString();
}
