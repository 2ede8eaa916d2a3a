/** Messages as they come from elsewhere, and what a source makes of them. */
import type { MessageProperties } from 'amqplib';
import type { Arrival, Origin } from '../../../../src/pipeline/sources/arrival.ts';
import { MessageReader } from '../../../../src/pipeline/sources/message-reader.ts';
import { parseSources } from '../../../../src/pipeline/sources/sources-file.ts';

export interface Sent {
  readonly body: unknown;
  readonly routingKey?: string;
  readonly properties?: Partial<MessageProperties>;
  readonly origin?: Origin;
}

/** A body that is no Buffer is written as JSON. */
export function sent({
  body,
  routingKey = 'order.shipped',
  properties = {},
  origin = { exchange: 'shop.events' },
}: Sent): Arrival {
  const content = Buffer.isBuffer(body)
    ? body
    : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return { content, fields: { routingKey }, properties, origin };
}

export const LIMITS = { maxBytes: 262_144, maxAudiences: 1_000 };

export function readerOf(yaml: string): MessageReader {
  return new MessageReader(parseSources(yaml, 'sources.yaml'), LIMITS);
}

/** The event that it becomes, or the refusal. `source`: what stands behind the source's name in YAML's short form. */
export function becomes(message: Sent, source = ''): unknown {
  const more = source === '' ? '' : `, ${source}`;
  const read = readerOf(`sources: [{ exchange: shop.events${more} }]`).read(sent(message));
  return read.ok ? read.value.event : read.refusal;
}
