/** CloudEvents in somebody else's exchange or queue: read as they are in Carillon's own. */
import { type ReadEvent, readWritten, STRUCTURED_TYPE } from '../../../contract/cloudevent.ts';
import { isJsonObject, type JsonObject } from '../../../contract/json.ts';
import type { Read } from '../../../contract/refusal.ts';
import { jsonTextOf } from '../../../contract/written.ts';
import { attributesIn } from '../../ingest/attributes.ts';
import { readMessage } from '../../ingest/message.ts';
import type { Arrival } from '../arrival.ts';
import { mediaTypeOf, type Opened } from './envelope.ts';

export function openCloudEvent({ content, properties }: Arrival, maxBytes: number): Read<Opened> {
  return opened(readMessage(content, properties, maxBytes));
}

/** JSON that says of itself that it is an event. */
export function openStated(body: JsonObject): Read<Opened> {
  return opened(readWritten(jsonTextOf(body), body));
}

function opened(read: Read<ReadEvent>): Read<Opened> {
  if (!read.ok) return read;
  const { event, envelope } = read.value;
  const { data: _, ...attributes } = envelope;
  return {
    ok: true,
    value: {
      attributes,
      body: envelope,
      data: event.data,
      hasData: event.data_base64 === undefined && event.data !== undefined,
      traceparent: undefined,
    },
  };
}

/** Whether what is beside the body says that it is one. */
export function isMarked(arrival: Arrival): boolean {
  return (
    mediaTypeOf(arrival.properties) === STRUCTURED_TYPE || attributesIn(arrival.properties) !== undefined
  );
}

/** Whether the body does. */
export function isStated(body: unknown): body is JsonObject {
  return isJsonObject(body) && Object.hasOwn(body, 'specversion');
}
