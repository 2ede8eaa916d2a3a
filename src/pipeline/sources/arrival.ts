/**
 * A message as it came, and where it came from. A dead letter keeps both in headers of Carillon's own, so that it can be
 * read by its source again, later and by another process.
 */
import type { MessageProperties } from 'amqplib';
import { DIRECT_EXCHANGE, EVENTS_EXCHANGE, isDeliverQueue } from '../../adapters/rabbitmq/names.ts';
import { isJsonObject } from '../../contract/json.ts';

/** An exchange or a queue that is not Carillon's. */
export interface Origin {
  /** Where it was published; empty for RabbitMQ's default exchange. */
  readonly exchange: string;
  /** Where it was taken from; undefined when that is Carillon's own queue. */
  readonly queue?: string;
}

export interface Arrival {
  readonly content: Buffer;
  readonly fields: { readonly routingKey: string };
  readonly properties: Readonly<Partial<MessageProperties>>;
  /** Undefined for what was published to Carillon's own exchange. */
  readonly origin?: Origin;
}

interface Delivery extends Arrival {
  readonly fields: { readonly routingKey: string; readonly exchange: string };
}

export const ORIGIN_EXCHANGE_HEADER = 'x-carillon-exchange';
export const ORIGIN_QUEUE_HEADER = 'x-carillon-queue';
/** The properties that a copy cannot have itself: RabbitMQ or Carillon gives it others. */
export const ORIGIN_PROPERTIES_HEADER = 'x-carillon-properties';

const KEPT_PROPERTIES = [
  'messageId',
  'timestamp',
  'type',
  'appId',
  'correlationId',
  'replyTo',
  'userId',
  'clusterId',
  'expiration',
  'priority',
] as const;

/** Not Carillon's, and not a name that a message can lack. */
function isForeign(exchange: string): boolean {
  return exchange !== EVENTS_EXCHANGE && exchange !== DIRECT_EXCHANGE && exchange !== '';
}

/** @param queue that it was taken from, unless it is Carillon's own */
export function arrivalOf(message: Delivery, queue?: string): Arrival {
  const { content, fields, properties } = message;
  const { exchange } = fields;
  if (queue !== undefined) return { content, fields, properties, origin: { exchange, queue } };
  if (isForeign(exchange)) return { content, fields, properties, origin: { exchange } };
  // Only a redrive writes these headers. Whoever may publish here could send any event as well: there is nothing to gain.
  return withOriginal({ content, fields, properties }, originIn(properties.headers));
}

/** Of a dead letter. What others may have forged leads to no source. */
export function arrivalIn(deadLetter: Arrival): Arrival {
  const { content, fields, properties } = deadLetter;
  const headers: Readonly<Record<string, unknown>> = properties.headers ?? {};
  const stated = originIn(headers);
  const died = deathExchangeIn(headers);
  if (died === undefined || !isForeign(died)) return withOriginal({ content, fields, properties }, stated);
  // RabbitMQ gave it up itself: it has all that it came with.
  if (headers['x-carillon-reason'] === undefined)
    return { content, fields, properties, origin: { exchange: died } };
  const isSame = stated?.queue === undefined && stated?.exchange === died;
  return withOriginal({ content, fields, properties }, isSame ? stated : NOWHERE);
}

const NOWHERE: Origin = { exchange: '' };

/** What a copy MUST carry so that {@link arrivalIn} finds the same; nothing for an event of Carillon's own exchange. */
export function originHeaders({ origin, properties }: Arrival): Record<string, unknown> {
  if (origin === undefined) return {};
  const kept = KEPT_PROPERTIES.flatMap((name) => {
    const value: unknown = properties[name];
    // Others than safe numbers cannot be written again.
    return typeof value === 'string' || Number.isSafeInteger(value) ? [[name, value] as const] : [];
  });
  return {
    [ORIGIN_EXCHANGE_HEADER]: origin.exchange,
    ...(origin.queue === undefined ? {} : { [ORIGIN_QUEUE_HEADER]: origin.queue }),
    ...(kept.length === 0 ? {} : { [ORIGIN_PROPERTIES_HEADER]: Object.fromEntries(kept) }),
  };
}

function withOriginal(arrival: Arrival, origin: Origin | undefined): Arrival {
  if (origin === undefined) return arrival;
  const { contentType, contentEncoding, headers } = arrival.properties;
  const stored: unknown = headers?.[ORIGIN_PROPERTIES_HEADER];
  const original: Partial<MessageProperties> = { contentType, contentEncoding, headers };
  for (const name of KEPT_PROPERTIES) {
    const value: unknown = isJsonObject(stored) && Object.hasOwn(stored, name) ? stored[name] : undefined;
    if (typeof value === 'string' || typeof value === 'number') Object.assign(original, { [name]: value });
  }
  return { ...arrival, properties: original, origin };
}

function originIn(headers: Readonly<Record<string, unknown>> | undefined): Origin | undefined {
  const exchange = headers?.[ORIGIN_EXCHANGE_HEADER];
  const queue = headers?.[ORIGIN_QUEUE_HEADER];
  if (typeof exchange !== 'string') return undefined;
  return typeof queue === 'string' ? { exchange, queue } : { exchange };
}

/** Where what RabbitMQ gave up in Carillon's queue had been published. */
function deathExchangeIn(headers: Readonly<Record<string, unknown>>): string | undefined {
  const deaths = headers['x-death'];
  const death: unknown = Array.isArray(deaths) ? deaths[0] : undefined;
  if (!isJsonObject(death) || !isDeliverQueue(death.queue)) return undefined;
  return typeof death.exchange === 'string' ? death.exchange : undefined;
}
