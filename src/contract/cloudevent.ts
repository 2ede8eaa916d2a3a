/** Reads CloudEvents from bytes, in structured and in binary mode, into an Event or the reason why not. */
import { type Event, eventSchema, isJsonType } from './event.ts';
import { isJsonObject, type JsonObject, parseJson } from './json.ts';
import { formatPath, type Read, refuse } from './refusal.ts';
import { parseTraceparent } from './traceparent.ts';

const MAX_TRACEPARENT = 256;

export const STRUCTURED_TYPE = 'application/cloudevents+json';

/** An event together with the JSON object it was read from, which also holds attributes that we do not know. */
export interface ReadEvent {
  readonly event: Event;
  readonly envelope: JsonObject;
}

/** Structured mode: the whole event is one JSON object. */
export function readStructured(bytes: Uint8Array): Read<ReadEvent> {
  const parsed = parseJson(bytes);
  return parsed.ok ? readEnvelope(parsed.value) : parsed;
}

/**
 * Binary mode: the attributes came beside the body (AMQP application properties, HTTP headers), the body is
 * the data and `contentType` its type. What is not JSON goes on as base64. An attribute named `data` or `data_base64`
 * is none: data is checked where it is parsed.
 */
export function readBinary(
  attributes: JsonObject,
  contentType: string | undefined,
  body: Uint8Array,
): Read<ReadEvent> {
  const { data: _data, data_base64: _bytes, ...named } = attributes;
  const envelope = contentType === undefined ? named : { ...named, datacontenttype: contentType };
  const type: unknown = envelope.datacontenttype;
  if (typeof type === 'string' && !isJsonType(type)) {
    return readEnvelope({ ...envelope, data_base64: Buffer.from(body).toString('base64') });
  }
  if (body.length === 0) return readEnvelope(envelope);
  const data = parseJson(body, 0);
  return data.ok ? readEnvelope({ ...envelope, data: data.value }) : data;
}

/** One event that is parsed already, for example an element of a batch. */
export function readEnvelope(envelope: unknown): Read<ReadEvent> {
  if (!isJsonObject(envelope)) return refuse('invalid_event', 'an event must be a JSON object');
  const result = eventSchema.safeParse(envelope);
  if (result.success) return { ok: true, value: { event: result.data, envelope } };
  const issue = result.error.issues[0];
  const path = formatPath(issue?.path ?? []);
  const message = issue === undefined ? 'malformed' : issue.message;
  return refuse(path.startsWith('audience') ? 'invalid_audience' : 'invalid_event', message, path);
}

/** True when the event's own expirytime has passed; such an event must not be rung any more. */
export function isExpired(event: Event, nowMs: number): boolean {
  return event.expirytime !== undefined && Date.parse(event.expirytime) <= nowMs;
}

/** The trace that a transport's header names, for an event that names none itself. A malformed one is no trace. */
export function withTraceparent(read: ReadEvent, header: unknown): ReadEvent {
  if (typeof header !== 'string' || read.event.traceparent !== undefined) return read;
  // The attribute has the same bound.
  if (header.length > MAX_TRACEPARENT || parseTraceparent(header) === undefined) return read;
  const traceparent = { traceparent: header };
  return { event: { ...read.event, ...traceparent }, envelope: { ...read.envelope, ...traceparent } };
}
