/** One dead letter read: which it is, why and since when it is one, and what of it operators are shown. */
import type { DeadLetter, DeadLetterFilter } from '../../contract/dead-letter.ts';
import { isJsonObject, type JsonObject } from '../../contract/json.ts';
import { guardNumbers, restoreNumbers } from '../../contract/numbers.ts';
import { momentOf } from '../../contract/rfc3339.ts';
import { matchesAny } from '../../contract/token.ts';
import { dateOf, envelopeIn, fingerprintOf } from '../../pipeline/ingest/message.ts';
import { type Arrival, arrivalIn } from '../../pipeline/sources/arrival.ts';
import { MAX_PARSED_BYTES, type MessageReader } from '../../pipeline/sources/message-reader.ts';
import type { StoredDeadLetter } from './dead-letter-store.ts';

/** What distinguishes a dead letter from others, and what it is found by. */
export interface DeadLetterFacts {
  readonly id: string;
  readonly reason: string;
  readonly detail: string;
  readonly path: string | undefined;
  /** Undefined when the message does not say. */
  readonly time: string | undefined;
  readonly type: string;
  readonly source: string | undefined;
  readonly event: string | undefined;
  readonly envelope: JsonObject | undefined;
}

/** All copies of one dead letter that fits. */
export interface Found<Kept> {
  readonly facts: Omit<DeadLetterFacts, 'envelope'>;
  readonly tags: number[];
  readonly kept: Kept;
}

const FINGERPRINT = /^[A-Za-z0-9_-]{43}$/;

export type EnvelopeReader = Pick<MessageReader, 'envelopeIn'>;

/** Where there are no sources. */
const AS_CLOUDEVENTS: EnvelopeReader = {
  envelopeIn: ({ content, properties }, valueFor) =>
    envelopeIn(content, properties, MAX_PARSED_BYTES, valueFor),
};

export function factsOf(
  deadLetter: StoredDeadLetter,
  reader: EnvelopeReader = AS_CLOUDEVENTS,
): DeadLetterFacts {
  const { properties } = deadLetter;
  const headers: Readonly<Record<string, unknown>> = properties.headers ?? {};
  const arrival = arrivalIn(deadLetter);
  const { envelope, ...names } = namesIn(arrival, reader);
  const { messageId } = properties;
  const isOurs = headers['x-carillon-reason'] !== undefined;
  return {
    // What RabbitMQ itself gave up bears the producer's message-id, which may be anything.
    id:
      isOurs && typeof messageId === 'string' && FINGERPRINT.test(messageId)
        ? messageId
        : fingerprintOf(arrival),
    ...(isOurs ? ourReason(headers) : brokersReason(headers)),
    ...names,
    envelope,
  };
}

/** What a message says of itself, as far as it can be read. */
export function namesIn(arrival: Arrival, reader: EnvelopeReader = AS_CLOUDEVENTS) {
  const envelope = arrival.content.length > MAX_PARSED_BYTES ? undefined : reader.envelopeIn(arrival);
  return {
    type: stringIn(envelope?.type) ?? arrival.fields.routingKey,
    source: stringIn(envelope?.source),
    event: stringIn(envelope?.id),
    envelope,
  };
}

/** What a log line says of a message, so that it is found again: by `explain`, and among the dead letters. */
export function namesOf(arrival: Arrival, reader?: EnvelopeReader) {
  const { source, event, type } = namesIn(arrival, reader);
  return {
    source: withinLine(source),
    id: withinLine(event),
    type: withinLine(type),
    routingKey: withinLine(arrival.fields.routingKey),
    deadLetter: fingerprintOf(arrival),
    producer: producerOf(arrival),
  };
}

/** Who published it: what the program calls itself, and its user, which RabbitMQ has verified. Undefined if the message names neither. */
function producerOf({ properties }: Arrival) {
  const appId = withinLine(stringIn(properties.appId));
  const userId = withinLine(stringIn(properties.userId));
  return appId === undefined && userId === undefined ? undefined : { appId, userId };
}

/** As long as an id may be; the log itself escapes what is not seen. */
const MAX_NAME = 256;

function withinLine(text: string | undefined): string | undefined {
  return text?.slice(0, MAX_NAME).toWellFormed();
}

type Reason = Pick<DeadLetterFacts, 'reason' | 'detail' | 'path' | 'time'>;

function ourReason(headers: Readonly<Record<string, unknown>>): Reason {
  return {
    reason: stringIn(headers['x-carillon-reason']) ?? 'unknown',
    detail: stringIn(headers['x-carillon-detail']) ?? '',
    path: stringIn(headers['x-carillon-path']),
    time: dateOf(headers['x-carillon-time']),
  };
}

function brokersReason(headers: Readonly<Record<string, unknown>>): Reason {
  const death = deathsIn(headers)[0];
  const why = stringIn(death?.reason);
  if (why === undefined) {
    return {
      reason: 'unknown',
      detail: 'neither Carillon nor RabbitMQ says why',
      path: undefined,
      time: undefined,
    };
  }
  const queue = stringIn(death?.queue) ?? 'a queue';
  return {
    reason: `broker_${why}`,
    detail: `RabbitMQ gave it up in ${queue}: ${why}`,
    path: undefined,
    time: dateOf(death?.time),
  };
}

function deathsIn(headers: Readonly<Record<string, unknown>>): JsonObject[] {
  const deaths = headers['x-death'];
  return Array.isArray(deaths) ? deaths.filter(isJsonObject) : [];
}

export function matches(
  facts: DeadLetterFacts,
  { ids, reason, type, source, event, after, before }: DeadLetterFilter,
) {
  const atMs = timeMs(facts);
  return (
    (ids === undefined || ids.includes(facts.id)) &&
    (reason === undefined || reason === facts.reason) &&
    (type === undefined || matchesAny([type], facts.type)) &&
    (source === undefined || (facts.source !== undefined && matchesAny([source], facts.source))) &&
    (event === undefined || event === facts.event) &&
    (after === undefined || atMs >= momentOf(after)) &&
    (before === undefined || atMs < momentOf(before))
  );
}

/** Since 1970. NaN when the message does not say; no moment is before or after NaN. */
export function timeMs({ time }: Pick<DeadLetterFacts, 'time'>): number {
  return time === undefined ? Number.NaN : Date.parse(time);
}

/** `redact`: the event as JSON without what must not be shown. */
export function viewOf(
  deadLetter: StoredDeadLetter,
  facts: DeadLetterFacts,
  redact: (envelope: JsonObject) => string,
  maxShown: number,
  reader: EnvelopeReader = AS_CLOUDEVENTS,
): Omit<DeadLetter, 'copies'> {
  const { content, fields, properties } = deadLetter;
  const { id, reason, detail, path, time, type, source, event, envelope } = facts;
  const arrival = arrivalIn(deadLetter);
  const headers: Readonly<Record<string, unknown>> = properties.headers ?? {};
  // What is no JSON object cannot be redacted either, and is not shown.
  const shown = envelope === undefined ? undefined : reader.envelopeIn(arrival, guardNumbers);
  const body = shown === undefined ? undefined : restoreNumbers(redact(shown));
  // A producer may have written them.
  const deaths = deathsIn(headers).reduce(
    (sum, { count }) => sum + (typeof count === 'number' && Number.isSafeInteger(count) ? count : 0),
    0,
  );
  return {
    id,
    reason,
    detail,
    ...withText('path', path),
    ...withText('time', time),
    type,
    ...withText('source', source),
    ...withText('event', event),
    headers: {
      routingKey: fields.routingKey,
      ...withText('exchange', arrival.origin?.exchange),
      ...withText('queue', arrival.origin?.queue),
      ...withText('contentType', properties.contentType),
      ...withText('contentEncoding', properties.contentEncoding),
      ...withText('dropped', stringIn(headers['x-carillon-headers'])),
      ...(deaths > 0 && Number.isSafeInteger(deaths) ? { deaths } : {}),
    },
    bytes: content.length,
    ...withText('body', body?.slice(0, maxShown).toWellFormed()),
    isCut: (body?.length ?? 0) > maxShown,
  };
}

/** Texts of strangers: bounded, and nothing when they are none. */
const MAX_TEXT = 1_024;

function stringIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_TEXT).toWellFormed() : undefined;
}

function withText<Name extends string>(name: Name, value: unknown): { [Key in Name]?: string } {
  const shown: { [Key in Name]?: string } = {};
  if (typeof value === 'string' && value !== '') Object.assign(shown, { [name]: value });
  return shown;
}
