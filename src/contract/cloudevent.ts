/** Reads CloudEvents from bytes, in structured and in binary mode, into an Event or the reason why not. */
import { type Event, eventSchema, isJsonType } from './event.ts';
import { isJsonObject, type JsonObject, parseJsonText } from './json.ts';
import { memberText, mendedJson, tidyJson } from './json-text.ts';
import { formatPath, type Read, refuse } from './refusal.ts';
import { momentOf } from './rfc3339.ts';
import { parseTraceparent } from './traceparent.ts';
import { jsonTextOf, rememberText, writeEvent } from './written.ts';

const MAX_TRACEPARENT = 256;

export const STRUCTURED_TYPE = 'application/cloudevents+json';

/** An event together with the JSON object it was read from, which also holds attributes that we do not know. */
export interface ReadEvent {
  readonly event: Event;
  readonly envelope: JsonObject;
}

/** Structured mode: the whole event is one JSON object. */
export function readStructured(bytes: Uint8Array): Read<ReadEvent> {
  const parsed = parseJsonText(bytes);
  return parsed.ok ? readWritten(parsed.value.text, parsed.value.value) : parsed;
}

/** An event that is parsed already, and its text. */
export function readWritten(text: string, envelope: unknown): Read<ReadEvent> {
  if (!isJsonObject(envelope)) return readEnvelope(envelope);
  // Only escapes make half a character of what came in UTF-8, and hardly any event has one.
  const broken = mendedJson(text) === text ? undefined : brokenAttributeOf(envelope);
  if (broken !== undefined)
    return refuse('invalid_event', 'must be well-formed Unicode', broken.toWellFormed());
  return readEnvelope(envelope, memberText(text, 'data'));
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
  const data = parseJsonText(body, 0);
  return data.ok ? readEnvelope({ ...envelope, data: data.value.value }, data.value.text) : data;
}

/** One event that is parsed already. `dataText`: the text of its data, which is what arrives. */
export function readEnvelope(envelope: unknown, dataText?: string): Read<ReadEvent> {
  if (!isJsonObject(envelope)) return refuse('invalid_event', 'an event must be a JSON object');
  const result = eventSchema.safeParse(envelope);
  if (result.success) return { ok: true, value: { event: asTidied(result.data, dataText), envelope } };
  const issue = result.error.issues[0];
  const path = formatPath(issue?.path ?? []);
  const message = issue === undefined ? 'malformed' : issue.message;
  return refuse(path.startsWith('audience') ? 'invalid_audience' : 'invalid_event', message, path);
}

/**
 * The event as it is sent on: in structured mode, without spaces, its data as it was written. Attributes that are not
 * known go with it.
 */
export function textOfEvent({ event, envelope }: ReadEvent): string {
  return writeEvent({ ...envelope, data: event.data });
}

/** The name of an attribute that has half a character in it or in its value; data is mended instead. */
function brokenAttributeOf(envelope: JsonObject): string | undefined {
  for (const name of Object.keys(envelope)) {
    const value = envelope[name];
    if (!name.isWellFormed() || (typeof value === 'string' && !value.isWellFormed())) return name;
  }
  return undefined;
}

/** The event with data that remembers its text; where that had to be mended, with what it says then. */
function asTidied(event: Event, dataText: string | undefined): Event {
  const { data } = event;
  if (data === undefined) return event;
  const text = tidyJson(dataText ?? jsonTextOf(data), data);
  const mended: unknown = text === dataText || !/\\ufffd/i.test(text) ? data : JSON.parse(text);
  if (!isJsonObject(mended)) return event;
  rememberText(mended, text);
  return mended === data ? event : { ...event, data: mended };
}

/** True when the event's own expirytime has passed; such an event must not be rung any more. */
export function isExpired(event: Event, nowMs: number): boolean {
  return event.expirytime !== undefined && momentOf(event.expirytime) <= nowMs;
}

/** The trace that a transport's header names, for an event that names none itself. A malformed one is no trace. */
export function withTraceparent(read: ReadEvent, header: unknown): ReadEvent {
  if (typeof header !== 'string' || read.event.traceparent !== undefined) return read;
  // The attribute has the same bound.
  if (header.length > MAX_TRACEPARENT || parseTraceparent(header) === undefined) return read;
  const traceparent = { traceparent: header };
  return { event: { ...read.event, ...traceparent }, envelope: { ...read.envelope, ...traceparent } };
}
