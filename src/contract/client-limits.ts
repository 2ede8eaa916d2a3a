/** What a client may do, sent in `session`, so that it can keep to it instead of finding out. */
import { z } from 'zod';
import { MAX_IDS, MAX_PAGE } from './inbox.ts';
import { MAX_CURSORS } from './recovery.ts';

/** Topics of one `subscribe` or `unsubscribe`; more are more requests. */
export const MAX_TOPICS_AT_ONCE = 100;

export const clientLimitsSchema = z
  .object({
    messageMaxBytes: z
      .int()
      .positive()
      .describe("Largest message of a client: a WebSocket message, or a polling request's body."),
    messagesAtOnce: z
      .number()
      .positive()
      .describe('Messages at once, of whatever kind: what begins the session and heartbeats count too.'),
    messagesPerSecond: z.number().positive().describe('So many of them come back in a second.'),
    topicsPerSession: z.int().positive(),
    topicsPerRequest: z.int().positive().describe('Of one subscribe or unsubscribe.'),
    lastPerTopic: z.int().positive().describe('Largest `last` of subscribe.'),
    cursorsPerRequest: z.int().positive().describe('Of one sync, or of the handshake.'),
    idsPerMark: z.int().positive(),
    notificationsPerPage: z.int().positive().describe('Largest `limit` of inbox.'),
  })
  .meta({ id: 'ClientLimits', description: 'What a client may do on this connection.' });

export type ClientLimits = Readonly<z.infer<typeof clientLimitsSchema>>;

/** Those that are the same everywhere, because they are a part of the contract. */
export const FIXED_LIMITS = {
  topicsPerRequest: MAX_TOPICS_AT_ONCE,
  cursorsPerRequest: MAX_CURSORS,
  idsPerMark: MAX_IDS,
  notificationsPerPage: MAX_PAGE,
} as const;
