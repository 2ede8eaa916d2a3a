/** Why an event is not accepted: the same stable codes over AMQP (dead letters) and over HTTP (problems). */
import { z } from 'zod';

export const refusalCodeSchema = z.enum([
  'not_json',
  'unsupported_media_type',
  'invalid_event',
  'invalid_headers',
  'invalid_audience',
  'no_audience',
  'too_many_audiences',
  'too_large',
  'expired',
  'no_source',
  'internal',
]);

export type RefusalCode = z.infer<typeof refusalCodeSchema>;

export const refusalCodes: Record<RefusalCode, string> = {
  not_json: 'The bytes are not valid UTF-8 JSON.',
  unsupported_media_type: 'The content type or encoding is not one that is taken here.',
  invalid_event: 'An attribute or the data is missing or malformed.',
  invalid_headers: 'The AMQP headers are malformed, or nested deeper than 32.',
  invalid_audience: "An audience is malformed, or Carillon's own.",
  no_audience: 'The event names no audience and no route maps its type.',
  too_many_audiences: 'The event is for more audiences than EVENT_MAX_AUDIENCES.',
  too_large: 'The event is larger than EVENT_MAX_BYTES, or the body than is taken there.',
  expired: 'The expirytime of the event has passed.',
  no_source: 'The message came from an exchange or a queue that fits no source in SOURCES_FILE.',
  internal: 'The service failed on the event itself; its log has the stack. Redrive it when that is mended.',
};

/** A refusal is the event's fault and final: trying the same bytes again cannot succeed. */
export interface Refusal {
  readonly code: RefusalCode;
  /** What is wrong and what would be right, for the producer's developer. Never holds the event's data. */
  readonly message: string;
  /** Where, as a path into the event: `audience[1]`, `data`. */
  readonly path?: string;
}

export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

export function refuse(code: RefusalCode, message: string, path?: string): { ok: false; refusal: Refusal } {
  return { ok: false, refusal: path === undefined ? { code, message } : { code, message, path } };
}

/** `['audience', 1]` → `audience[1]`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}
