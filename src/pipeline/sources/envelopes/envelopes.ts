/** The envelopes by their names in SOURCES_FILE, and what each message is when the file names none. */
import type { Arrival } from '../arrival.ts';
import { isMarked, isStated, openCloudEvent, openStated } from './cloudevents.ts';
import { headersOf, mediaTypeOf, type OpenEnvelope } from './envelope.ts';
import { openJson } from './json.ts';
import { MASSTRANSIT_TYPE, openMassTransit } from './masstransit.ts';
import { openNServiceBus, TYPES_HEADER } from './nservicebus.ts';

export const ENVELOPES = {
  cloudevents: openCloudEvent,
  json: openJson,
  masstransit: openMassTransit,
  nservicebus: openNServiceBus,
} as const satisfies Readonly<Record<string, OpenEnvelope>>;

/** Each message says itself what it is: a CloudEvent, one of the others, or else plain JSON. */
export const openByContent: OpenEnvelope = (arrival, maxBytes) => {
  const marked = markedEnvelope(arrival);
  if (marked !== undefined) return marked(arrival, maxBytes);
  const json = openJson(arrival, maxBytes);
  return json.ok && isStated(json.value.body) ? openStated(json.value.body) : json;
};

function markedEnvelope(arrival: Arrival): OpenEnvelope | undefined {
  if (isMarked(arrival)) return openCloudEvent;
  if (mediaTypeOf(arrival.properties) === MASSTRANSIT_TYPE) return openMassTransit;
  return Object.hasOwn(headersOf(arrival), TYPES_HEADER) ? openNServiceBus : undefined;
}
