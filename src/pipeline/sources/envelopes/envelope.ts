/** The contract of an envelope: how a kind of message says what an event needs to know. */
import type { MessageProperties } from 'amqplib';
import type { Read } from '../../../contract/refusal.ts';
import type { Arrival } from '../arrival.ts';

/**
 * It MUST NOT throw, whatever the bytes are, and MUST find the same for each delivery of one message: repeats are
 * recognised by `id` and `source`. `maxBytes`: of the body when it is decompressed.
 *
 * A new kind has a file beside this one and its name in `envelopes.ts`.
 */
export type OpenEnvelope = (arrival: Arrival, maxBytes: number) => Read<Opened>;

export interface Opened {
  /** Attributes of the event as far as the envelope knows them. What is not right is left out where a default is better. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** All that the body holds. It MUST remember its text, when it can. */
  readonly body: unknown;
  /** What of it is the event's data, unless a template says otherwise. The same goes for its text. */
  readonly data: unknown;
  /** Only bytes have none. */
  readonly hasData: boolean;
  /** Names the trace that it belongs to. */
  readonly traceparent: unknown;
}

export function headersOf({ properties }: Arrival): Readonly<Record<string, unknown>> {
  return properties.headers ?? {};
}

export function textIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Without parameters, in small letters; undefined when there is none. */
export function mediaTypeOf({ contentType }: Partial<MessageProperties>): string | undefined {
  return typeof contentType === 'string' ? contentType.split(';')[0]?.trim().toLowerCase() : undefined;
}
