/** The Socket.IO messages of namespace `/`: what clients send, the answers, and what else they receive. */
import { z } from 'zod';
import { topicSchema } from './audience.ts';
import { clientLimitsSchema } from './client-limits.ts';
import { eventSchema } from './event.ts';
import {
  aheadSchema,
  countedSchema,
  inboxPageSchema,
  inboxQuerySchema,
  keptByKindSchema,
  type Marks,
  markAnswerSchema,
  markRequestSchema,
} from './inbox.ts';
import { jsonObjectSchema } from './json.ts';
import { epochSchema, type Notification, offsetSchema } from './notification.ts';
import { cursorsSchema, missedByAudienceSchema } from './recovery.ts';
import { topicRequests } from './topic-requests.ts';

/**
 * A token of 100 departments with names of 128 Chinese characters, its JSON escaped, has 105 KB, and the cursors of all of
 * them 48 KB: what a handshake may be, though later messages may be smaller.
 */
export const HANDSHAKE_MAX_BYTES = 262_144;
const MAX_TOKEN_CHARACTERS = 131_072;

export const handshakeAuthSchema = z
  .object({
    token: z
      .string()
      .max(MAX_TOKEN_CHARACTERS)
      .optional()
      .describe('A JWT; or send the header Authorization: Bearer.'),
    device: z
      .string()
      .min(1)
      .max(128)
      .refine((name) => name.isWellFormed(), 'must be well-formed Unicode')
      .optional()
      .describe("The client's own name for this device."),
    cursors: cursorsSchema
      .optional()
      .describe(
        "What the client has; session.missed then tells what came since. Others' audiences are passed over.",
      ),
  })
  .meta({ id: 'HandshakeAuth' });

const handshakeErrorCodeSchema = z.enum([
  'unauthorized',
  'unavailable',
  'bad_request',
  'too_many_connections',
]);
export type HandshakeErrorCode = z.infer<typeof handshakeErrorCodeSchema>;

export const handshakeErrorCodes: Record<HandshakeErrorCode, string> = {
  unauthorized:
    "No token, or one that is not valid. The reason is in the server's log; `message` tells it where a claim of a token of yours cannot be used.",
  unavailable: 'Whether the token is valid cannot be said now; keep it and try again later.',
  bad_request: 'The auth object is malformed; the same one is refused again. `message` names the field.',
  too_many_connections:
    'The user has as many connections to this node, or to all nodes, as are allowed; close one first.',
};

export const connectErrorSchema = z
  .union([
    z.object({
      message: handshakeErrorCodeSchema.describe('The code once more.'),
      data: z.object({
        code: handshakeErrorCodeSchema,
        message: z
          .string()
          .optional()
          .describe('Which claim of a token that is signed as it should be, or which field, cannot be used.'),
      }),
    }),
    z.object({ message: z.literal('Invalid namespace').describe('Of any other namespace than `/`.') }),
  ])
  .meta({
    id: 'ConnectError',
    description: 'The connection is refused.',
  });

const headSchema = z.object({ epoch: epochSchema, head: offsetSchema });

export const sessionSchema = z
  .object({
    session: z.string(),
    user: z.string(),
    departments: z.array(z.string()),
    audiences: z
      .record(z.string(), headSchema)
      .describe('For each audience the last offset before what this socket gets live.'),
    unseen: countedSchema.shape.unseen,
    ...countedSchema.omit({ unseen: true, heads: true }).partial().shape,
    kept: keptByKindSchema.optional(),
    ahead: aheadSchema.optional(),
    expiresAt: z.iso.datetime(),
    serverTime: z.iso.datetime(),
    missed: missedByAudienceSchema.shape.audiences.optional().describe('When the handshake had cursors.'),
    limits: clientLimitsSchema.optional().describe('Earlier versions do not tell them.'),
  })
  .meta({
    id: 'Session',
    description:
      'First of all messages, once every room of the socket is in force; and again when an operator has given the user other departments.',
  });

const goawayCodeSchema = z.enum([
  'token_expired',
  'shutting_down',
  'unavailable',
  'rate_limited',
  'message_too_large',
  'slow_consumer',
  'disconnected',
  'token_revoked',
]);
export type GoawayCode = z.infer<typeof goawayCodeSchema>;

export const goawayCodes: Record<GoawayCode, string> = {
  token_expired: 'The token has expired; connect again with a fresh one.',
  shutting_down: 'This node is going down; connect again, to another.',
  unavailable: 'The session could not be set up because a dependency is away; try again later.',
  rate_limited: 'The client sent more messages than are allowed; come again later, and send fewer.',
  message_too_large:
    'A message was larger than CLIENT_MESSAGE_MAX_BYTES, and was not read; come again, and do not send it again.',
  slow_consumer:
    'The client took too little of what it was sent; come again with cursors. It closes without this message when that could not be delivered either.',
  disconnected: 'An operator closed the connections of this user; connect again.',
  token_revoked: 'The token is not taken any more; connect again only with one that was issued since.',
};

export const goawaySchema = z
  .object({
    code: goawayCodeSchema,
    reconnect: z.boolean().describe('Whether connecting again can succeed.'),
    retryAfterMs: z.int().nonnegative(),
  })
  .meta({ id: 'Goaway', description: 'Last of all messages; then the server closes.' });

export const resyncSchema = z.object({ audiences: z.record(z.string(), headSchema) }).meta({
  id: 'Resync',
  description: 'The logs named have a new incarnation: read the inbox, then go on from the new epoch.',
});

const requestErrorCodeSchema = z.enum([
  'bad_request',
  'unknown_request',
  'forbidden',
  'unauthorized',
  'not_subscribed',
  'too_many_topics',
  'rate_limited',
  'unavailable',
  'internal',
]);
export type RequestErrorCode = z.infer<typeof requestErrorCodeSchema>;

export const requestErrorCodes: Record<RequestErrorCode, string> = {
  bad_request: 'The request is malformed; the message names the field.',
  unknown_request: 'No request has this name.',
  forbidden: 'The token does not allow it.',
  unauthorized: 'The fresh token is not valid, or is of another user.',
  not_subscribed: 'The socket is not in this topic.',
  too_many_topics: 'The socket is in as many topics as are allowed; leave one first.',
  rate_limited:
    'The user asked for more than is allowed, or has not taken the answers before; ask again after `retryAfterMs`.',
  unavailable: 'A dependency is away; try again later.',
  internal: 'The server failed; the same request may be sent again.',
};

export const requestErrorSchema = z
  .object({
    error: z.object({
      code: requestErrorCodeSchema,
      message: z.string(),
      retryAfterMs: z.int().nonnegative().optional().describe('With rate_limited.'),
    }),
  })
  .meta({ id: 'RequestError' });

/** Requests by name, each with what is asked and what is answered when it succeeds. */
export const requests = {
  sync: {
    request: z.object({
      cursors: cursorsSchema,
      partial: z
        .literal(true)
        .optional()
        .describe('The client understands `more`: what does not fit in one answer comes in parts.'),
    }),
    answer: missedByAudienceSchema,
  },
  ...topicRequests(requestErrorSchema),
  inbox: { request: inboxQuerySchema.prefault({}), answer: inboxPageSchema },
  mark: { request: markRequestSchema, answer: markAnswerSchema },
  publish: {
    request: z.object({
      topic: topicSchema,
      type: eventSchema.shape.type,
      data: jsonObjectSchema,
      id: eventSchema.shape.id
        .optional()
        .describe(
          'The same one again is delivered once; left out: one is made, and a repeat is another event.',
        ),
    }),
    answer: z.object({ id: z.string().describe('Of the event. RabbitMQ has confirmed it.') }),
  },
  authenticate: {
    request: z.object({
      token: z.string().max(MAX_TOKEN_CHARACTERS).describe('A fresh token of the same user.'),
    }),
    answer: z.object({ expiresAt: z.iso.datetime() }),
  },
  ping: {
    request: z.object({ seq: z.int().optional() }).prefault({}),
    answer: z.object({ seq: z.int().optional(), serverTime: z.iso.datetime() }),
  },
} as const;

export type RequestName = keyof typeof requests;
type AnswerOf<N extends RequestName> = z.infer<(typeof requests)[N]['answer']>;
/** As it is received. */
export type PublishRequest = z.infer<typeof requests.publish.request>;
export type RequestError = z.infer<typeof requestErrorSchema>;

export type Session = z.infer<typeof sessionSchema>;
export type Goaway = z.infer<typeof goawaySchema>;
export type Resync = z.infer<typeof resyncSchema>;

/** The server's messages, for Socket.IO's types. Notifications go out as ready-made packets. */
export interface ServerToClient {
  session: (session: Session) => void;
  notification: (notification: Notification) => void;
  marks: (marks: Marks) => void;
  resync: (resync: Resync) => void;
  goaway: (goaway: Goaway) => void;
}

/** Every request has an acknowledgement; without one there is nobody to answer. */
export type ClientToServer = {
  [N in RequestName]: (request: unknown, acknowledge?: (answer: AnswerOf<N> | RequestError) => void) => void;
};
