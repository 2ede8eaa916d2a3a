/** MassTransit's JSON envelope (`application/vnd.masstransit+json`): the message is one member of the body among others. */
import { isJsonObject, type JsonObject } from '../../../contract/json.ts';
import { memberText } from '../../../contract/json-text.ts';
import { refuse } from '../../../contract/refusal.ts';
import { momentOf } from '../../../contract/rfc3339.ts';
import { jsonTextOf, rememberText } from '../../../contract/written.ts';
import { defaultAttributes } from './defaults.ts';
import { headersOf, type OpenEnvelope, textIn } from './envelope.ts';
import { bodyOf } from './json.ts';

export const MASSTRANSIT_TYPE = 'application/vnd.masstransit+json';

export const openMassTransit: OpenEnvelope = (arrival, maxBytes) => {
  const read = bodyOf(arrival, maxBytes, 1);
  if (!read.ok) return read;
  const body = read.value;
  if (!isJsonObject(body) || !Object.hasOwn(body, 'message')) {
    const message =
      'the body has no member "message": it is no envelope of MassTransit; is it raw JSON? Then say json';
    return refuse('invalid_event', message, 'message');
  }
  const data = body.message;
  const text = memberText(jsonTextOf(body), 'message');
  if (typeof data === 'object' && data !== null && text !== undefined) rememberText(data, text);
  const defaults = defaultAttributes(arrival);
  const headers = ownObject(body, 'headers');
  return {
    ok: true,
    value: {
      attributes: {
        ...defaults,
        ...withText('id', own(body, 'messageId')),
        ...withText('type', typeIn(own(body, 'messageType')) ?? dotted(String(defaults.type))),
        ...withMoment('time', own(body, 'sentTime')),
        ...withMoment('expirytime', own(body, 'expirationTime')),
      },
      body,
      data,
      hasData: true,
      traceparent: headersOf(arrival).traceparent ?? own(headers, 'MT-Activity-Id'),
    },
  };
};

/** The first is the message's own type, and those behind it what it also is. */
function typeIn(messageTypes: unknown): string | undefined {
  const [first]: unknown[] = Array.isArray(messageTypes) ? messageTypes : [];
  const urn = textIn(first);
  return urn === undefined ? undefined : dotted(urn.replace(/^urn:message:/i, ''));
}

/** `Shop.Contracts:OrderShipped` → `Shop.Contracts.OrderShipped`; a type within a type has a plus there. */
function dotted(name: string): string {
  return name.replaceAll(/[:+]/g, '.');
}

function own(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function ownObject(object: JsonObject, name: string): JsonObject {
  const value = own(object, name);
  return isJsonObject(value) ? value : {};
}

function withText(name: string, value: unknown) {
  const text = textIn(value);
  return text === undefined ? {} : { [name]: text };
}

function withMoment(name: string, value: unknown) {
  const text = textIn(value);
  return text === undefined || Number.isNaN(momentOf(text)) ? {} : { [name]: text };
}
