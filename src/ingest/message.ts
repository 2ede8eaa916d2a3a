/** An AMQP message → an event: CloudEvents in structured or binary mode, as the AMQP bindings define them. */
import { createHash } from 'node:crypto';
import type { ConsumeMessage, MessageProperties } from 'amqplib';
import { type ReadEvent, readBinary, readStructured, STRUCTURED_TYPE } from '../contract/cloudevent.ts';
import { isJsonObject } from '../contract/json.ts';
import { type Read, refuse } from '../contract/refusal.ts';

/** Both prefixes are in use: the second where header names may not hold a colon. */
const ATTRIBUTE = /^cloudEvents[:_](.+)$/;

export function readMessage(
  body: Buffer,
  properties: Pick<MessageProperties, 'contentType' | 'headers'>,
  maxBytes: number,
): Read<ReadEvent> {
  if (body.length > maxBytes) {
    return refuse('too_large', `${body.length} bytes are more than ${maxBytes}`);
  }
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

/**
 * The same for each delivery of one message, and another for any other: what came, without what RabbitMQ adds to it
 * on its way. Never fails, whatever a header holds.
 */
export function fingerprintOf({ content, fields, properties }: ConsumeMessage): string {
  const hash = createHash('sha256').update(`${fields.routingKey}\0`);
  for (const [name, value] of Object.entries(properties.headers ?? {})) {
    // Ids are text or, by mistake, numbers. Lists and tables tell no two events apart, and may be too deep to be written.
    if (ATTRIBUTE.test(name) && typeof value !== 'object') hash.update(`${name}\0${String(value)}\0`);
  }
  return hash.update(content).digest('base64url');
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
