/** Reads messages into events: by the source that they came from, or as CloudEvents. */
import type { ReadEvent } from '../../contract/cloudevent.ts';
import type { JsonObject } from '../../contract/json.ts';
import { type Read, refuse } from '../../contract/refusal.ts';
import { envelopeIn, readMessage } from '../ingest/message.ts';
import type { Arrival } from './arrival.ts';
import { envelopeBySource, nameOf, type ReadLimits, readBySource, type Source, sourceOf } from './source.ts';

/** Larger ones are not looked into: they were refused for their size, and would hold up the process. */
export const MAX_PARSED_BYTES = 1_048_576;

/** Of what is only looked at. */
const SHOWN: ReadLimits = { maxBytes: MAX_PARSED_BYTES, maxAudiences: 100 };

export class MessageReader {
  #sources: readonly Source[] | undefined;
  readonly #limits: ReadLimits;

  /** @param sources undefined when this process knows of none: then all is read as CloudEvents, wherever it came from */
  constructor(sources: readonly Source[] | undefined, limits: ReadLimits) {
    this.#sources = sources;
    this.#limits = limits;
  }

  /** As they stand now; undefined when this process knows of none. */
  get sources(): readonly Source[] | undefined {
    return this.#sources;
  }

  /** Messages that are read from now on are read by these sources. */
  use(sources: readonly Source[]): void {
    this.#sources = sources;
  }

  read(arrival: Arrival): Read<ReadEvent> {
    const { content, properties, fields, origin } = arrival;
    const source = this.#sourceOf(arrival);
    if (source !== undefined) return readBySource(source, arrival, this.#limits);
    const read = readMessage(content, properties, this.#limits.maxBytes);
    if (read.ok || origin === undefined || this.#sources === undefined) return read;
    const { exchange, queue } = origin;
    const from = queue === undefined ? `exchange "${exchange}"` : `queue "${queue}"`;
    return refuse(
      'no_source',
      `it came from ${from} with the key "${fields.routingKey}", which fits no source, and is no CloudEvent either: name it in SOURCES_FILE, or unbind it from Carillon's queue`,
    );
  }

  /** The source that reads it, as in `exchange shop.events`; undefined when it is read as a CloudEvent. */
  sourceNameOf(arrival: Arrival): string | undefined {
    const source = this.#sourceOf(arrival);
    return source === undefined ? undefined : nameOf(source);
  }

  /** The event as far as it can be read; undefined when it is nothing that could be shown. */
  envelopeIn(
    arrival: Arrival,
    valueFor: (text: string, parsed: unknown) => unknown = (_text, parsed) => parsed,
  ): JsonObject | undefined {
    const source = this.#sourceOf(arrival);
    if (source !== undefined) return envelopeBySource(source, arrival, SHOWN, valueFor);
    return envelopeIn(arrival.content, arrival.properties, MAX_PARSED_BYTES, valueFor);
  }

  #sourceOf({ origin, fields }: Arrival): Source | undefined {
    if (origin === undefined || this.#sources === undefined) return undefined;
    return sourceOf(this.#sources, origin, fields.routingKey);
  }
}
