/** Sources: where events come from besides Carillon's own exchange, and how their messages become events. */
import { headersFault } from '../../adapters/rabbitmq/amqp-properties.ts';
import { type ReadEvent, readEnvelope, withTraceparent } from '../../contract/cloudevent.ts';
import { isJsonObject, type JsonObject } from '../../contract/json.ts';
import { type Read, refuse } from '../../contract/refusal.ts';
import { writtenTextOf } from '../../contract/written.ts';
import type { Matcher } from '../routing/pattern.ts';
import type { Arrival, Origin } from './arrival.ts';
import { notAnObject } from './data-template.ts';
import type { OpenEnvelope, Opened } from './envelopes/envelope.ts';
import { type EventTemplate, fillAttributes, fillAudiences, fillEventData } from './event-template.ts';
import { scopeOf } from './message-scope.ts';

interface Form {
  /** As it stands in the file; undefined: each message says what it is. */
  readonly envelope: string | undefined;
  readonly open: OpenEnvelope;
  readonly event: EventTemplate;
}

/** Carillon's queue is bound to it. */
interface ExchangeSource extends Form {
  readonly exchange: string;
  readonly keys: readonly string[];
  readonly matches: Matcher;
}

/** Consumed as it is. */
interface QueueSource extends Form {
  readonly queue: string;
}

export type Source = ExchangeSource | QueueSource;

/** `exchange shop.events`. */
export function nameOf(source: Source): string {
  return 'queue' in source ? `queue ${source.queue}` : `exchange ${source.exchange}`;
}

/** The source of a message; undefined when none fits. In the order of the file, the first that fits counts. */
export function sourceOf(sources: readonly Source[], origin: Origin, routingKey: string): Source | undefined {
  return sources.find((source) =>
    'queue' in source
      ? source.queue === origin.queue
      : origin.queue === undefined && source.exchange === origin.exchange && source.matches(routingKey),
  );
}

export interface ReadLimits {
  readonly maxBytes: number;
  readonly maxAudiences: number;
}

/** The event that a source makes of a message. Never throws, whatever the message is. */
export function readBySource(source: Source, arrival: Arrival, limits: ReadLimits): Read<ReadEvent> {
  const { content, properties } = arrival;
  if (content.length > limits.maxBytes)
    return refuse('too_large', `${content.length} bytes are more than ${limits.maxBytes}`);
  const fault = headersFault(properties.headers);
  if (fault !== undefined) return refuse('invalid_headers', fault.message, fault.names[0]);
  const opened = source.open(arrival, limits.maxBytes);
  return opened.ok ? fill(source.event, arrival, opened.value, limits) : opened;
}

function fill(
  template: EventTemplate,
  arrival: Arrival,
  opened: Opened,
  limits: ReadLimits,
): Read<ReadEvent> {
  const scope = scopeOf(arrival, opened.body, opened.data);
  const data = dataOf(template, scope, opened, limits.maxBytes);
  if (!data.ok) return data;
  const attributes = fillAttributes(template, scope);
  if (!attributes.ok) return attributes;
  const audience = fillAudiences(template, scope, limits.maxAudiences);
  if (!audience.ok) return audience;
  const envelope: Record<string, unknown> = {
    specversion: '1.0',
    ...opened.attributes,
    ...attributes.value,
    ...(audience.value === undefined ? {} : { audience: audience.value }),
    ...(data.value === undefined ? {} : { data: data.value.data }),
  };
  // A template that gives data takes the place of bytes.
  if (data.value !== undefined && !opened.hasData) {
    envelope.data_base64 = undefined;
    envelope.datacontenttype = undefined;
  }
  const read = readEnvelope(defined(envelope), data.value?.text);
  return read.ok ? { ok: true, value: withTraceparent(read.value, opened.traceparent) } : read;
}

/** Without what templates leave out. */
function defined(envelope: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(envelope).filter(([, value]) => value !== undefined));
}

interface Data {
  readonly data: JsonObject;
  readonly text: string | undefined;
}

/** Undefined when there is none. */
function dataOf(
  template: EventTemplate,
  scope: JsonObject,
  { data, hasData }: Opened,
  maxBytes: number,
): Read<Data | undefined> {
  const filled = fillEventData(template, scope, maxBytes);
  if (filled !== undefined) return filled;
  if (!hasData) return { ok: true, value: undefined };
  return isJsonObject(data)
    ? { ok: true, value: { data, text: writtenTextOf(data) } }
    : notAnObject(data, ['the body']);
}

/** The event as far as it can be read, for whoever looks at a message that became none. */
export function envelopeBySource(
  source: Source,
  arrival: Arrival,
  limits: ReadLimits,
  valueFor: (text: string, parsed: unknown) => unknown,
): JsonObject | undefined {
  if (headersFault(arrival.properties.headers) !== undefined) return undefined;
  const opened = source.open(arrival, limits.maxBytes);
  if (!opened.ok) return undefined;
  const { body, data, attributes } = opened.value;
  const scope = scopeOf(arrival, body, data);
  const named: Record<string, unknown> = { ...attributes };
  for (const one of source.event.attributes) {
    const filled = fillAttributes({ ...source.event, attributes: new Map([one]) }, scope);
    named[one[0]] = filled.ok ? filled.value[one[0]] : undefined;
  }
  // What is not mapped is not shown: nobody could say what of it is to be left out.
  const made = dataOf(source.event, scope, opened.value, limits.maxBytes);
  if (!made.ok || made.value === undefined) return defined(named);
  return {
    ...defined(named),
    data: valueFor(made.value.text ?? JSON.stringify(made.value.data), made.value.data),
  };
}
