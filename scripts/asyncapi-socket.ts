/**
 * The Socket.IO part of the AsyncAPI document: the requests of devices, their answers, and the messages from the
 * server.
 */
import type { z } from 'zod';
import { marksSchema } from '../src/contract/inbox.ts';
import { meanings } from '../src/contract/meanings.ts';
import { notificationSchema } from '../src/contract/notification.ts';
import {
  connectErrorSchema,
  goawayCodes,
  goawaySchema,
  handshakeAuthSchema,
  handshakeErrorCodes,
  requestErrorCodes,
  requestErrorSchema,
  resyncSchema,
  sessionSchema,
} from '../src/contract/socket.ts';
import { channelRef, messagesIn, messagesNamed, type Part } from './asyncapi-part.ts';
import { type Json, refTo } from './json-schema.ts';

export type Requests = Readonly<Record<string, { readonly request: z.ZodType; readonly answer: z.ZodType }>>;

const CHANNEL = 'namespace';

/** The messages that the server sends without a request, by the name of the Socket.IO event. */
const told = {
  session: { component: 'Session', summary: 'Where the live notifications of this socket begin.' },
  notification: { component: 'Notification', summary: 'An event as one of the audiences gets it.' },
  marks: {
    component: 'Marks',
    summary: 'What this user has marked on another device, and the counts since.',
  },
  resync: { component: 'Resync', summary: 'What a client has of these logs is of no use any more.' },
  goaway: { component: 'Goaway', summary: 'The server closes the connection.', codes: goawayCodes },
} as const;

const schemas = {
  HandshakeAuth: handshakeAuthSchema,
  ConnectError: connectErrorSchema,
  Session: sessionSchema,
  Notification: notificationSchema,
  Marks: marksSchema,
  Resync: resyncSchema,
  Goaway: goawaySchema,
  RequestError: requestErrorSchema,
} satisfies Part['schemas'];

const fixedMessages = {
  handshake: { title: 'The auth of the handshake', payload: refTo('HandshakeAuth') },
  connectError: {
    name: 'connect_error',
    title: 'A refused connection',
    description: meanings(handshakeErrorCodes),
    payload: refTo('ConnectError'),
  },
  requestError: {
    title: 'An acknowledgement that says why not',
    description: meanings(requestErrorCodes),
    payload: refTo('RequestError'),
  },
};

export function socket(requests: Requests): Part {
  const messages: Json = { ...fixedMessages };
  const operations: Json = {
    connect: {
      action: 'receive',
      channel: channelRef(CHANNEL),
      summary: 'A device connects. It is told `session`, or its connection is refused.',
      messages: messagesIn(CHANNEL, 'handshake'),
      reply: { channel: channelRef(CHANNEL), messages: messagesIn(CHANNEL, 'connectError') },
    },
  };
  for (const [name, { component, summary, ...rest }] of Object.entries(told)) {
    const description = 'codes' in rest ? { description: meanings(rest.codes) } : {};
    messages[name] = { name, title: component, ...description, payload: refTo(component) };
    operations[name] = {
      action: 'send',
      channel: channelRef(CHANNEL),
      summary,
      messages: messagesIn(CHANNEL, name),
    };
  }
  const asked: Record<string, z.ZodType> = {};
  for (const [name, { request, answer }] of Object.entries(requests)) {
    const [requestName, answerName] = [`${pascalCase(name)}Request`, `${pascalCase(name)}Answer`];
    asked[requestName] = request;
    asked[answerName] = answer;
    messages[requestName] = { name, title: `Request ${name}`, payload: refTo(requestName) };
    messages[answerName] = { title: `Answer to ${name}`, payload: refTo(answerName) };
    operations[name] = {
      action: 'receive',
      channel: channelRef(CHANNEL),
      summary: `A device asks for ${name}, and is answered in the acknowledgement.`,
      messages: messagesIn(CHANNEL, requestName),
      reply: { channel: channelRef(CHANNEL), messages: messagesIn(CHANNEL, answerName, 'requestError') },
    };
  }
  return {
    servers: {
      gateway: {
        host: 'localhost:3000',
        pathname: '/socket.io/',
        protocol: 'ws',
        description:
          'PORT: Socket.IO 4 over long polling, then WebSocket. Use a Socket.IO client; a bare WebSocket does not do. A session that polls lives in one gateway: a load balancer MUST send its requests there, and when a gateway comes back or is added some of them get elsewhere, are told `unknown_session`, and begin anew.',
        security: [{ $ref: '#/components/securitySchemes/token' }],
      },
    },
    channels: {
      [CHANNEL]: {
        address: '/',
        title: 'Namespace /',
        description: 'The name of a message is the name of the Socket.IO event; its payload is the argument.',
        servers: [{ $ref: '#/servers/gateway' }],
        messages: messagesNamed(...Object.keys(messages)),
      },
    },
    operations,
    messages,
    schemas: { ...schemas, ...asked },
    securitySchemes: {
      token: {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description: 'As `token` in the auth of the handshake, or else as Authorization: Bearer.',
      },
    },
  };
}

function pascalCase(name: string): string {
  return name.replace(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_match, deadLetter: string) =>
    deadLetter.toUpperCase(),
  );
}
