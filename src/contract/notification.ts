/** A notification: an event as one audience gets it, with its place in that audience's log. */
import { z } from 'zod';
import { type Audience, audienceSchema } from './audience.ts';
import { type Event, severitySchema } from './event.ts';
import { jsonObjectSchema } from './json.ts';

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
    severity: severitySchema,
    collapsekey: z.string().optional(),
    expirytime: z.string().optional(),
    traceparent: z.string().optional(),
    data: jsonObjectSchema,
  })
  .meta({ id: 'Notification', description: 'An event as one audience gets it.' });

export type Notification = Readonly<z.infer<typeof notificationSchema>>;

/**
 * The JSON text of a notification, cut where epoch and offset go: only the append itself knows those, and it
 * runs inside Redis. `head + epoch + NOTIFICATION_MIDDLE + offset + tail` is the whole text.
 */
export interface NotificationText {
  readonly head: string;
  readonly tail: string;
}

export const NOTIFICATION_MIDDLE = '","offset":';

/** A notification without its data. */
export type Envelope = Omit<Notification, 'data'>;

/**
 * The JSON of a notification that we wrote, without its data, which may be hundreds of times as long. `data` comes last,
 * and within a JSON string no quote stands unescaped: the first place that looks like its name is its name.
 */
export function envelopeTextIn(json: string): string {
  const end = json.indexOf(',"data');
  return end === -1 ? json : `${json.slice(0, end)}}`;
}

/** The same as an object. */
export function envelopeIn(json: string): Envelope {
  return JSON.parse(envelopeTextIn(json));
}

/** Serialises an event once, however many audiences it is for. */
export function encodeEvent(event: Event, receivedAt: Date): (audience: Audience) => NotificationText {
  const { id, source, type, subject, collapsekey, expirytime, traceparent } = event;
  const time = event.time ?? receivedAt.toISOString();
  const severity = event.severity ?? 'info';
  const data = event.data ?? {};
  const head = JSON.stringify({ id, source, type, time, subject }).slice(0, -1);
  // The data MUST stay the last of them: envelopeTextIn, envelopes.lua.
  const tail = `,${JSON.stringify({ severity, collapsekey, expirytime, traceparent, data }).slice(1)}`;
  return (audience) => ({ head: `${head},"audience":"${audience}","epoch":"`, tail });
}
