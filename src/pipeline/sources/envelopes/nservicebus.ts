/** NServiceBus: headers name the event, and the body is the data as JSON. */
import { momentOf } from '../../../contract/rfc3339.ts';
import { defaultAttributes } from './defaults.ts';
import { headersOf, type OpenEnvelope, textIn } from './envelope.ts';
import { bodyOf } from './json.ts';

/** Assembly-qualified names with semicolons between, the message's own type first. */
export const TYPES_HEADER = 'NServiceBus.EnclosedMessageTypes';

export const openNServiceBus: OpenEnvelope = (arrival, maxBytes) => {
  const body = bodyOf(arrival, maxBytes);
  if (!body.ok) return body;
  const headers = headersOf(arrival);
  const id = textIn(headers['NServiceBus.MessageId']);
  const type = typeIn(headers[TYPES_HEADER]);
  const endpoint = textIn(headers['NServiceBus.OriginatingEndpoint']);
  const time = timeIn(headers['NServiceBus.TimeSent']);
  return {
    ok: true,
    value: {
      attributes: {
        ...defaultAttributes(arrival),
        ...(id === undefined ? {} : { id }),
        ...(type === undefined ? {} : { type }),
        ...(endpoint === undefined ? {} : { source: `/${encodeURI(endpoint.toWellFormed())}` }),
        ...(time === undefined ? {} : { time }),
      },
      body: body.value,
      data: body.value,
      hasData: true,
      traceparent: headers.traceparent,
    },
  };
};

/** The first full name without its assembly: `Shop.OrderShipped, Shop, Version=1.0.0.0, …` → `Shop.OrderShipped`. */
function typeIn(header: unknown): string | undefined {
  const text = textIn(header);
  if (text === undefined) return undefined;
  let depth = 0;
  let end = 0;
  for (; end < text.length; end += 1) {
    const character = text[end];
    // Of a generic type the arguments have commas of their own.
    if (character === '[') depth += 1;
    else if (character === ']') depth -= 1;
    else if (depth <= 0 && (character === ',' || character === ';')) break;
  }
  // A type has no spaces.
  return textIn(text.slice(0, end).replaceAll(' ', '').replaceAll('+', '.'));
}

const WIRE_TIME = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d):(\d{1,7}) Z$/;

/** `2026-11-27 09:00:00:123456 Z`. */
function timeIn(header: unknown): string | undefined {
  const [, day, time, fraction] = WIRE_TIME.exec(textIn(header) ?? '') ?? [];
  const text = `${day}T${time}.${fraction}Z`;
  return Number.isNaN(momentOf(text)) ? undefined : text;
}
