/** What an event is called when neither its envelope nor a template says so. */
import type { Arrival } from '../arrival.ts';
import { hashOf, momentText } from '../message-scope.ts';
import { textIn } from './envelope.ts';

/**
 * Never the same for two messages unless they are a repeat, as far as the producer can be believed; always the same for
 * each delivery of one message.
 */
export function defaultAttributes(arrival: Arrival): Readonly<Record<string, unknown>> {
  const { fields, properties } = arrival;
  const time = momentText(properties.timestamp);
  return {
    id: wholeText(properties.messageId) ?? hashOf(arrival),
    source: defaultSource(arrival),
    type: typeOf(arrival) ?? fields.routingKey,
    ...(time === undefined ? {} : { time }),
  };
}

/** Which service it is from, as far as is known. */
function defaultSource({ properties, origin }: Arrival): string {
  const name = wholeText(properties.appId) ?? (textIn(origin?.exchange) || textIn(origin?.queue)) ?? '';
  return `/${encodeURI(name.toWellFormed())}`;
}

function typeOf({ fields, properties, origin }: Arrival): string | undefined {
  const names = [fields.routingKey, properties.type, origin?.exchange, origin?.queue];
  // To the default exchange the key is a queue's name, and the property says more.
  if (origin?.exchange === '') names.splice(0, 2, properties.type, fields.routingKey);
  return names.map(textIn).find((name) => name !== undefined);
}

/** Undefined too when it was no text: two that were broken could be one. */
function wholeText(value: unknown): string | undefined {
  const text = textIn(value);
  return text?.includes('\ufffd') ? undefined : text;
}
