/** An event as producers publish it: CloudEvents 1.0 with Carillon's extension attributes. */
import { z } from 'zod';
import { audienceSchema } from './audience.ts';
import { jsonObjectSchema } from './json.ts';
import { timestampSchema } from './moment.ts';

/** The type of an event that takes another one back: `data.id`, and `data.source` unless it is the same. */
export const RETRACTION_TYPE = 'carillon.retract';

/** The type of the events that gateways send themselves, and that lead to Carillon's own topics. */
export const CANARY_TYPE = 'carillon.canary';

/** A source is a URI reference: what else may be in it is percent-encoded before it is counted. */
export const MAX_SOURCE_CHARACTERS = 256;

export const severitySchema = z.enum(['info', 'success', 'warning', 'critical']);

const JSON_TYPE = /^application\/([a-z0-9.!#$&^_+-]+\+)?json(\s*;.*)?$/i;
/** Printable, because it goes on to clients. */
const MEDIA_TYPE = /^[a-z0-9.!#$&^_+-]+\/[a-z0-9.!#$&^_+-]+(\s*;[\x20-\x7e]*)?$/i;

/** Whether a body of this type is `data`; one of any other is bytes. */
export function isJsonType(contentType: string): boolean {
  return JSON_TYPE.test(contentType);
}

/** A lone surrogate becomes the same bytes as any other in UTF-8: two ids would be one. */
const isWellFormed = (text: string) => text.isWellFormed();

/** As CloudEvents asks of every attribute. By hand: expressions take longer over each event. */
function hasNoControls(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
  }
  return true;
}

const identifier = (name: string, max: number) =>
  z
    .string({
      error: (issue) => (issue.input === undefined ? `${name} is required` : `${name} must be a string`),
    })
    .min(1, `${name} must not be empty`)
    .max(max, `${name} must be at most ${max} characters`)
    .refine(isWellFormed, `${name} must be well-formed Unicode`)
    .refine(hasNoControls, `${name} must not hold control characters`);

/** A name for programs: apps say it to people in their own words. */
export const categorySchema = identifier('category', 64).regex(
  /^[\x21-\x7e]+$/,
  'category must be printable ASCII without spaces',
);

/** `"user:1, department:sales"` and `["user:1", "department:sales"]` say the same. */
const audienceListSchema = z
  .preprocess(
    (input) => (typeof input === 'string' ? input.split(',').map((part) => part.trim()) : input),
    z
      .array(audienceSchema, { error: 'must be a string with commas, or an array of strings' })
      .min(1, 'must name at least one audience, or be left out so that routes apply'),
  )
  // JSON Schema does not see the preprocessing: without this the string would seem to be forbidden.
  .meta({ type: ['string', 'array'] });

/**
 * What is read of a CloudEvent. Unknown extension attributes are allowed, as the specification asks, and not
 * passed on.
 */
export const eventSchema = z
  .object({
    specversion: z.literal('1.0', { error: 'must be "1.0"' }),
    id: identifier('id', 256).describe('With source it identifies the event: a repeat is delivered once.'),
    source: identifier('source', MAX_SOURCE_CHARACTERS)
      .regex(/^\S+$/, 'source must be a URI reference, without spaces')
      .describe('A URI reference that tells which service the event is from.'),
    type: identifier('type', 255)
      .regex(/^[\x21-\x7e]+$/, 'type must be printable ASCII without spaces: it is the AMQP routing key')
      .describe('Dotted words, for example order.shipped; also the AMQP routing key.'),
    time: timestampSchema.optional(),
    subject: identifier('subject', 256).optional(),
    datacontenttype: z
      .string()
      .max(256)
      .regex(MEDIA_TYPE, 'must be a media type, for example image/png')
      .optional()
      .describe(
        'The media type of what data_base64 holds: application/octet-stream when left out. Of data: JSON.',
      ),
    expirytime: timestampSchema
      .optional()
      .describe('After this moment the event is of no use: it is not delivered any more.'),
    traceparent: z.string().max(256).refine(hasNoControls, 'must not hold control characters').optional(),
    audience: audienceListSchema
      .optional()
      .describe('Whom it is for: a string with commas, or an array of strings. Left out: routes decide.'),
    collapsekey: identifier('collapsekey', 128)
      .optional()
      .describe('Of the notifications with one key only the newest is shown.'),
    severity: severitySchema.optional(),
    category: categorySchema
      .optional()
      .describe(
        'What it is about, as people think of it: billing, shifts. 1 to 64 characters, as of a type.',
      ),
    data: jsonObjectSchema
      .optional()
      .describe('Any JSON object; title, body and url are what a bell shows when present.'),
    data_base64: z
      .base64('must be base64 with + and / and padding, and nothing else')
      .optional()
      .describe('Bytes in place of data.'),
  })
  .refine(({ data, data_base64 }) => data === undefined || data_base64 === undefined, {
    error: 'give data or data_base64, not both',
    path: ['data_base64'],
  })
  .refine(
    (event) => event.data_base64 !== undefined || isJsonType(event.datacontenttype ?? 'application/json'),
    {
      error: 'data must be JSON; bytes of any other type go into data_base64, or come in binary mode',
      path: ['datacontenttype'],
    },
  )
  .refine(({ type, data }) => type !== RETRACTION_TYPE || typeof data?.id === 'string', {
    error: 'data.id must be the id of the event that is taken back',
    path: ['data', 'id'],
  })
  .meta({ id: 'CloudEvent', description: "A CloudEvent 1.0 with Carillon's extension attributes." });

export type Event = Readonly<z.infer<typeof eventSchema>>;
