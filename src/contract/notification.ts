/** A notification: an event as one audience gets it, with its place in that audience's log. */
import { z } from 'zod';
import { type Audience, audienceKind, audienceSchema } from './audience.ts';
import { displaySchema } from './display.ts';
import { type Event, severitySchema } from './event.ts';
import { isJsonObject, jsonObjectSchema, readStored } from './json.ts';
import { jsonTextOf } from './written.ts';

export const epochSchema = z
  .string()
  .regex(/^[0-9a-f]{1,16}$/)
  .describe(
    'The incarnation of the log; changes when Redis may have lost data. "0": nothing was ever written.',
  );

export const offsetSchema = z.int().nonnegative().describe('Place in the log: 1, 2, 3 … without holes.');

export const cursorSchema = z
  .object({ epoch: epochSchema, offset: offsetSchema })
  .meta({ id: 'Cursor', description: 'The last notification of an audience that a client has.' });

export type Cursor = Readonly<z.infer<typeof cursorSchema>>;

/** Where a log stands before anything was ever appended to it. */
export const EMPTY_HEAD: Cursor = Object.freeze({ epoch: '0', offset: 0 });

export const notificationSchema = z
  .object({
    id: z.string(),
    source: z.string(),
    type: z.string(),
    time: z.string().describe("The event's time, or else when the consumer took it."),
    subject: z.string().optional(),
    audience: audienceSchema,
    epoch: epochSchema,
    offset: offsetSchema,
    at: z
      .int()
      .nonnegative()
      .optional()
      .describe('When it was appended to this log, in milliseconds since 1970: an inbox has this order.'),
    severity: severitySchema.describe("The event's own, or else its route's; info when neither says one."),
    category: z.string().optional().describe("What it is about: the event's own, or else its route's."),
    collapsekey: z.string().optional(),
    expirytime: z.string().optional(),
    traceparent: z.string().optional(),
    copies: z
      .literal(true)
      .optional()
      .describe('The event went to other audiences as well, in which the same user may be.'),
    data: jsonObjectSchema.optional().describe('Absent when, and only when, data_base64 is there.'),
    datacontenttype: z
      .string()
      .optional()
      .describe('The media type of the bytes; there when data_base64 is.'),
    data_base64: z.base64().optional().describe('Bytes, of an event that has them in place of data.'),
    display: displaySchema
      .optional()
      .describe('What a route shows of it, as it stood when the event was delivered. Absent without one.'),
  })
  .meta({ id: 'Notification', description: 'An event as one audience gets it.' });

export type Notification = Readonly<z.infer<typeof notificationSchema>>;

/**
 * The JSON text of a notification, cut where epoch and offset go: only the append itself knows those, and it
 * runs inside Redis. `head + epoch + NOTIFICATION_MIDDLE + offset + NOTIFICATION_AT + at + tail` is the whole text.
 */
export interface NotificationText {
  readonly head: string;
  readonly tail: string;
}

export const NOTIFICATION_MIDDLE = '","offset":';
export const NOTIFICATION_AT = ',"at":';

/** A notification without its data or bytes, and what is shown of it. */
export type Envelope = Omit<Notification, 'data' | 'datacontenttype' | 'data_base64' | 'display'>;

/** The content type of bytes that came without one. */
const UNKNOWN_TYPE = 'application/octet-stream';

/**
 * The JSON of a notification that we wrote, without its data, which may be hundreds of times as long. `data` comes last but for
 * `display`, or in its place `datacontenttype` and `data_base64`, and within a JSON string no quote stands unescaped: the first
 * place that looks like the beginning of such a name is one.
 */
export function envelopeTextIn(json: string): string {
  const end = json.indexOf(',"data');
  return end === -1 ? json : `${json.slice(0, end)}}`;
}

/** The same as an object. */
export function envelopeIn(json: string): Envelope {
  return parseNotification(envelopeTextIn(json));
}

/**
 * A notification as a log holds it: its members were checked when it came in, and we wrote it.
 *
 * @throws when it is none, as nobody but a hand could have written it
 */
export function parseNotification(json: string): Notification {
  return notificationOf(JSON.parse(json));
}

/** As {@link parseNotification}, for what was parsed within something else. */
export function notificationOf(value: unknown): Notification {
  if (!isNotification(value)) throw new Error('a log holds something else than a notification');
  return value;
}

/** All that costs little: there are hundreds in one answer. */
function isNotification(value: unknown): value is Notification {
  return (
    isJsonObject(value) &&
    typeof value.id === 'string' &&
    typeof value.source === 'string' &&
    typeof value.type === 'string'
  );
}

const packetSchema = z.tuple([
  z.literal('notification'),
  z.object({ id: z.string(), source: z.string(), type: z.string(), traceparent: z.string().optional() }),
]);

/**
 * Which event the packet `42["notification",{…}]` carries. Undefined for what no process of ours has written: clients
 * are sent it all the same.
 */
export function eventOfPacket(packet: string) {
  return readStored(packetSchema, packet.slice(2))?.[1];
}

/** What its routes add to an event. */
export interface Shown {
  /** Counts when the event itself says none. */
  readonly severity?: Notification['severity'] | undefined;
  /** Counts when the event itself says none. */
  readonly category?: string | undefined;
  /** A {@link displaySchema} as JSON. */
  readonly displayJson?: string | undefined;
}

const NOTHING_SHOWN: Shown = {};

/** Serialises an event once, however many audiences it is for. `copies`: {@link canReachUserTwice}. */
export function encodeEvent(
  event: Event,
  receivedAt: Date,
  copies = false,
  shown = NOTHING_SHOWN,
): (audience: Audience) => NotificationText {
  const { displayJson } = shown;
  const { id, source, type, subject, collapsekey, expirytime, traceparent, data_base64 } = event;
  const time = event.time ?? receivedAt.toISOString();
  const severity = event.severity ?? shown.severity ?? 'info';
  const content =
    data_base64 === undefined
      ? `"data":${event.data === undefined ? '{}' : jsonTextOf(event.data)}}`
      : JSON.stringify({ datacontenttype: event.datacontenttype ?? UNKNOWN_TYPE, data_base64 }).slice(1);
  // `id`, `source` and `type` MUST stay the first: eventIn.
  const head = JSON.stringify({ id, source, type, time, subject }).slice(0, -1);
  // Behind the content MUST only be what an envelope leaves out; its names begin with `data`: envelopeTextIn, envelopes.lua.
  const attributes = JSON.stringify({
    severity,
    category: event.category ?? shown.category,
    collapsekey,
    expirytime,
    traceparent,
    copies: copies || undefined,
  });
  const end = displayJson === undefined ? content : `${content.slice(0, -1)},"display":${displayJson}}`;
  const tail = `,${attributes.slice(1, -1)},${end}`;
  return (audience) => ({ head: `${head},"audience":${quoted(audience)},"epoch":"`, tail });
}

/** Whether one user may get the event by several of these audiences, all of inboxes: nobody is two users. */
export function canReachUserTwice(audiences: readonly Audience[]): boolean {
  if (audiences.length < 2) return false;
  const kinds = audiences.map(audienceKind);
  const shared = kinds.filter((kind) => kind === 'global' || kind === 'department').length;
  return shared > 1 || (shared === 1 && kinds.includes('user'));
}

/** As JSON. Of all that JSON escapes an audience may have only these two. */
function quoted(audience: Audience): string {
  return /["\\]/.test(audience) ? JSON.stringify(audience) : `"${audience}"`;
}
