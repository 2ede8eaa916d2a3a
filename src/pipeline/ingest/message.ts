/** An AMQP message → an event: CloudEvents in structured or binary mode, as the AMQP bindings define them. */
import { createHash } from 'node:crypto';
import type { MessageProperties } from 'amqplib';
import { headersFault } from '../../adapters/rabbitmq/amqp-properties.ts';
import { AmqpValue } from '../../adapters/rabbitmq/amqp-table.ts';
import {
  type ReadEvent,
  readBinary,
  readStructured,
  STRUCTURED_TYPE,
  withTraceparent,
} from '../../contract/cloudevent.ts';
import { isJsonObject, type JsonObject, parseJsonText } from '../../contract/json.ts';
import { type Read, refuse } from '../../contract/refusal.ts';

/** Both prefixes are in use: the second where header names may not hold a colon. */
export const ATTRIBUTE = /^cloudEvents[:_](.+)$/;

type Properties = Pick<MessageProperties, 'contentType' | 'headers'>;

/** An event that names no trace belongs to the one that its message's `traceparent` header names. */
export function readMessage(body: Buffer, properties: Properties, maxBytes: number): Read<ReadEvent> {
  const read = readBody(body, properties, maxBytes);
  const header: unknown = properties.headers?.traceparent;
  return read.ok && header !== undefined ? { ok: true, value: withTraceparent(read.value, header) } : read;
}

function readBody(body: Buffer, properties: Properties, maxBytes: number): Read<ReadEvent> {
  if (body.length > maxBytes) {
    return refuse('too_large', `${body.length} bytes are more than ${maxBytes}`);
  }
  const fault = headersFault(properties.headers);
  // An attribute may be among what cannot be read.
  if (fault !== undefined) return refuse('invalid_headers', fault.message, fault.names[0]);
  const contentType = typeof properties.contentType === 'string' ? properties.contentType : undefined;
  const attributes = attributesIn(properties.headers ?? {});
  if (attributes !== undefined) return readBinary(attributes, contentType, body);
  // Client libraries often leave the type out or say plain JSON; the event itself then tells what it is.
  const mediaType = contentType?.split(';')[0]?.trim().toLowerCase();
  if (mediaType === undefined || mediaType === STRUCTURED_TYPE || mediaType === 'application/json') {
    return readStructured(body);
  }
  return refuse(
    'unsupported_media_type',
    `content type "${mediaType}" without cloudEvents: headers; send ${STRUCTURED_TYPE}, or binary mode`,
  );
}

interface Fingerprinted {
  readonly content: Buffer;
  readonly fields: { readonly routingKey: string };
  readonly properties: Pick<MessageProperties, 'headers'>;
}

/**
 * The same for each delivery of one message, and another for any other: what came, without what RabbitMQ adds to it
 * on its way. Never fails, whatever a header holds.
 */
export function fingerprintOf({ content, fields, properties }: Fingerprinted): string {
  const hash = createHash('sha256').update(`${fields.routingKey}\0`);
  for (const [name, value] of Object.entries(properties.headers ?? {})) {
    // Ids are text or, by mistake, numbers. Lists and tables tell no two events apart, and may be too deep to be written.
    if (!ATTRIBUTE.test(name)) continue;
    if (typeof value !== 'object') hash.update(`${name}\0${String(value)}\0`);
    else if (Buffer.isBuffer(value)) hash.update(`${name}\0`).update(value).update('\0');
    else if (value instanceof AmqpValue && value['!'] === 'long') hash.update(`${name}\0${value.value}\0`);
  }
  return hash.update(content).digest('base64url');
}

/**
 * The event as far as it can be read, whatever is wrong with it; undefined when it is no JSON object at all.
 *
 * @param valueFor what its JSON is in place of what it was parsed to
 */
export function envelopeIn(
  body: Buffer,
  { headers }: Pick<MessageProperties, 'headers'>,
  valueFor: (text: string, parsed: unknown) => unknown = (_text, parsed) => parsed,
): JsonObject | undefined {
  const attributes = attributesIn(headers ?? {});
  const parsed = parseJsonText(body, attributes === undefined ? 1 : 0);
  if (!parsed.ok) return attributes;
  const value = valueFor(parsed.value.text, parsed.value.value);
  if (attributes !== undefined) return { ...attributes, data: value };
  return isJsonObject(value) ? value : undefined;
}

/** A header that names a moment, as text or as an AMQP timestamp; undefined when it names none. */
export function dateOf(header: unknown): string | undefined {
  const text = fromAmqp(header);
  const atMs = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : new Date(atMs).toISOString();
}

/** The CloudEvents attributes among the headers, or undefined when there are none. */
function attributesIn(headers: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  const found: [string, unknown][] = [];
  for (const [name, value] of Object.entries(headers)) {
    const attribute = ATTRIBUTE.exec(name)?.[1];
    if (attribute !== undefined) found.push([attribute, fromAmqp(value)]);
  }
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** amqplib gives AMQP timestamps, which some clients send for `time`, as `{ '!': 'timestamp', value: seconds }`. */
function fromAmqp(value: unknown): unknown {
  if (!isJsonObject(value) || value['!'] !== 'timestamp' || typeof value.value !== 'number') return value;
  const date = new Date(value.value * 1000);
  return Number.isNaN(date.getTime()) ? value : date.toISOString();
}
