/**
 * An AMQP message → an event: CloudEvents in structured or binary mode, as the AMQP bindings define them and SDKs write
 * them.
 */
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
import { attributesIn, type Beside, fromAmqp, holdsAttributes, withOtherNames } from './attributes.ts';
import { contentOf, type Encoded } from './content.ts';

type Properties = Partial<Pick<MessageProperties, 'contentType'>> & Beside & Encoded;

/** Before the subtype of any format, and of batches. */
const CLOUDEVENTS_TYPES = 'application/cloudevents';

/** An event that names no trace belongs to the one that its message's `traceparent` header names. */
export function readMessage(body: Buffer, properties: Properties, maxBytes: number): Read<ReadEvent> {
  const read = readBody(body, properties, maxBytes);
  if (!read.ok) return explained(read, body, properties, maxBytes);
  const header: unknown = properties.headers?.traceparent;
  return header === undefined ? read : { ok: true, value: withTraceparent(read.value, header) };
}

function readBody(body: Buffer, properties: Properties, maxBytes: number): Read<ReadEvent> {
  if (body.length > maxBytes) {
    return refuse('too_large', `${body.length} bytes are more than ${maxBytes}`);
  }
  const fault = headersFault(properties.headers);
  // An attribute may be among what cannot be read.
  if (fault !== undefined) return refuse('invalid_headers', fault.message, fault.names[0]);
  const attributes = attributesIn(properties);
  if (attributes?.ok === false) return attributes;
  const content = contentOf(body, properties, maxBytes);
  if (!content.ok) return content;
  const contentType = typeof properties.contentType === 'string' ? properties.contentType : undefined;
  const mediaType = contentType?.split(';')[0]?.trim().toLowerCase();
  if (attributes !== undefined && !isWholeEvent(mediaType, content.value)) {
    // A format that is not JSON, and a batch, would pass for an event's data.
    if (mediaType?.startsWith(CLOUDEVENTS_TYPES) && mediaType !== STRUCTURED_TYPE)
      return wrongType(mediaType);
    return readBinary(attributes.value, contentType, content.value);
  }
  // Client libraries often leave the type out or say plain JSON; the event itself then shows what it is.
  if (mediaType === undefined || mediaType === STRUCTURED_TYPE || mediaType === 'application/json') {
    return readStructured(content.value);
  }
  return wrongType(mediaType);
}

/** In structured mode the same attributes may stand beside the body: the content type decides (AMQP binding, section 3). */
function isWholeEvent(mediaType: string | undefined, body: Buffer): boolean {
  if (mediaType !== STRUCTURED_TYPE) return false;
  const parsed = parseJsonText(body);
  return parsed.ok && isJsonObject(parsed.value.value) && Object.hasOwn(parsed.value.value, 'specversion');
}

function wrongType(mediaType: string) {
  const isBatch = mediaType.startsWith(`${CLOUDEVENTS_TYPES}-batch`);
  const what = isBatch ? 'a batch is taken over HTTP only' : 'without cloudEvents: or ce- headers';
  const right = isBatch ? `send each event by itself, as ${STRUCTURED_TYPE}` : `send ${STRUCTURED_TYPE}`;
  return refuse('unsupported_media_type', `content type "${mediaType}": ${what}; ${right}, or binary mode`);
}

/** A refusal that says under which other name an attribute was found. */
function explained(
  read: Extract<Read<ReadEvent>, { ok: false }>,
  body: Buffer,
  properties: Properties,
  maxBytes: number,
): Read<ReadEvent> {
  const envelope = () => envelopeIn(body, properties, maxBytes);
  return { ok: false, refusal: withOtherNames(read.refusal, properties, envelope) };
}

interface Fingerprinted {
  readonly content: Buffer;
  readonly fields: { readonly routingKey: string };
  readonly properties: Partial<Pick<MessageProperties, 'headers' | 'messageId' | 'timestamp'>>;
  /** Of what was not published to Carillon's own exchange. */
  readonly origin?: { readonly exchange: string; readonly queue?: string };
}

/**
 * The same for each delivery of one message, and another for any other: what came, without what RabbitMQ adds to it
 * on its way. Never fails, whatever a header holds.
 */
export function fingerprintOf({ content, fields, properties, origin }: Fingerprinted): string {
  const hash = createHash('sha256').update(`${fields.routingKey}\0`);
  for (const [name, value] of Object.entries(properties.headers ?? {})) {
    // Ids are text or, by mistake, numbers. Lists and tables distinguish no two events, and may be too deep to be written.
    if (!holdsAttributes(name)) continue;
    if (typeof value !== 'object') hash.update(`${name}\0${String(value)}\0`);
    else if (Buffer.isBuffer(value)) hash.update(`${name}\0`).update(value).update('\0');
    else if (value instanceof AmqpValue && value['!'] === 'long') hash.update(`${name}\0${value.value}\0`);
  }
  if (origin !== undefined) {
    // Bodies of plain JSON are often the same, and what names the event is beside them.
    const { messageId = '', timestamp = '' } = properties;
    hash.update(`${origin.exchange}\0${origin.queue ?? ''}\0${messageId}\0${timestamp}\0`);
  }
  return hash.update(content).digest('base64url');
}

/**
 * The event as far as it can be read, whatever is wrong with it; undefined when it is no JSON object at all.
 *
 * @param maxBytes of the body when it is decompressed
 * @param valueFor what its JSON is in place of what it was parsed to
 */
export function envelopeIn(
  body: Buffer,
  properties: Properties,
  maxBytes: number,
  valueFor: (text: string, parsed: unknown) => unknown = (_text, parsed) => parsed,
): JsonObject | undefined {
  const found = attributesIn(properties);
  const attributes = found?.ok === true ? found.value : undefined;
  const content = contentOf(body, properties, maxBytes);
  if (!content.ok) return attributes;
  const { contentType } = properties;
  const mediaType =
    typeof contentType === 'string' ? contentType.split(';')[0]?.trim().toLowerCase() : undefined;
  const isBinary = attributes !== undefined && !isWholeEvent(mediaType, content.value);
  const parsed = parseJsonText(content.value, isBinary ? 0 : 1);
  if (!parsed.ok) return attributes;
  const value = valueFor(parsed.value.text, parsed.value.value);
  if (isBinary) return { ...attributes, data: value };
  return isJsonObject(value) ? value : undefined;
}

/** A header that names a moment, as text or as an AMQP timestamp; undefined when it names none. */
export function dateOf(header: unknown): string | undefined {
  const text = fromAmqp(header);
  const atMs = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : new Date(atMs).toISOString();
}
