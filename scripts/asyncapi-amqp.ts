/** The AMQP part of the AsyncAPI document: how events come in, and where undeliverable ones go. */
import { z } from 'zod';
import {
  DEAD_LETTERS,
  DELIVER_QUEUE,
  EVENTS_EXCHANGE,
  SIGNALS_EXCHANGE,
} from '../src/adapters/rabbitmq/names.ts';
import { STRUCTURED_TYPE } from '../src/contract/cloudevent.ts';
import { eventSchema } from '../src/contract/event.ts';
import { jsonObjectSchema } from '../src/contract/json.ts';
import { meanings } from '../src/contract/meanings.ts';
import { refusalCodeSchema, refusalCodes } from '../src/contract/refusal.ts';
import {
  ORIGIN_EXCHANGE_HEADER,
  ORIGIN_PROPERTIES_HEADER,
  ORIGIN_QUEUE_HEADER,
} from '../src/pipeline/sources/arrival.ts';
import { channelRef, messagesIn, messagesNamed, type Part } from './asyncapi-part.ts';
import { signals } from './asyncapi-signals.ts';
import { refTo } from './json-schema.ts';

const BINDING_VERSION = '0.3.0';

const { data: _body, data_base64: _bytes, datacontenttype: _contentType, ...attributes } = eventSchema.shape;

const schemas = {
  ...signals.schemas,
  CloudEvent: eventSchema,
  EventAttributes: z
    .object(
      Object.fromEntries(
        Object.entries(attributes).map(([name, schema]): [string, z.ZodType] => [
          `cloudEvents:${name}`,
          schema,
        ]),
      ),
    )
    .describe('The prefixes cloudEvents_ and ce- are understood as well.'),
  EventData: jsonObjectSchema,
  DeadLetterHeaders: z.object({
    'x-carillon-reason': refusalCodeSchema.optional(),
    'x-carillon-detail': z.string().optional().describe('What is wrong and what would be right.'),
    'x-carillon-path': z.string().optional().describe('Where in the event the fault is; empty: all of it.'),
    'x-carillon-time': z.iso.datetime().optional().describe('When the event was given up.'),
    'x-carillon-headers': z
      .string()
      .optional()
      .describe(
        "Says what of the event's own headers was left out: what cannot be read or written, and what leaves no room for these.",
      ),
    [ORIGIN_EXCHANGE_HEADER]: z
      .string()
      .optional()
      .describe("Where a source's message was published; empty: RabbitMQ's default exchange."),
    [ORIGIN_QUEUE_HEADER]: z
      .string()
      .optional()
      .describe("Where it was taken from, when that is not Carillon's own queue."),
    [ORIGIN_PROPERTIES_HEADER]: z
      .record(z.string(), z.union([z.string(), z.number()]))
      .optional()
      .describe(
        "The properties that a source's message had, and its copy cannot have: messageId, appId and others.",
      ),
  }),
} satisfies Part['schemas'];

export const amqp: Part = {
  servers: {
    rabbitmq: {
      host: 'localhost:5672',
      protocol: 'amqp',
      protocolVersion: '0-9-1',
      description: 'AMQP_URL: RabbitMQ 4. Every process of Carillon declares the exchanges and queues.',
      security: [{ $ref: '#/components/securitySchemes/rabbitmqUser' }],
    },
  },
  channels: {
    events: {
      address: EVENTS_EXCHANGE,
      description: "Producers publish here, with the event's type as the routing key.",
      servers: [{ $ref: '#/servers/rabbitmq' }],
      messages: messagesNamed('structuredEvent', 'binaryEvent'),
      bindings: topicExchange(EVENTS_EXCHANGE),
    },
    deliver: {
      address: DELIVER_QUEUE,
      description: `Bound to ${EVENTS_EXCHANGE} with "#". A quorum queue with a single active consumer, which is Carillon's: nobody else may consume here.`,
      servers: [{ $ref: '#/servers/rabbitmq' }],
      messages: messagesNamed('structuredEvent', 'binaryEvent'),
      bindings: durableQueue(DELIVER_QUEUE),
    },
    dead: {
      address: DEAD_LETTERS,
      description: `Events that cannot be delivered, for an operator to look at. A queue, bound with "#" to an exchange of the same name.`,
      servers: [{ $ref: '#/servers/rabbitmq' }],
      messages: messagesNamed('deadLetter'),
      bindings: durableQueue(DEAD_LETTERS),
    },
    signals: {
      address: SIGNALS_EXCHANGE,
      description:
        'Bind a queue of your own, with the types that you want. The routing key is the type; see SIGNALS and UNREACHED_AFTER.',
      servers: [{ $ref: '#/servers/rabbitmq' }],
      messages: messagesNamed(...signals.messageNames),
      bindings: topicExchange(SIGNALS_EXCHANGE),
    },
  },
  operations: {
    acceptEvent: {
      action: 'receive',
      channel: channelRef('events'),
      summary: 'A producer publishes an event.',
      description:
        'Publish persistent and with publisher confirms, and send the same event again when no confirm came: a repeat is delivered once.',
      messages: messagesIn('events', 'structuredEvent', 'binaryEvent'),
      bindings: { amqp: { deliveryMode: 2, mandatory: true, bindingVersion: BINDING_VERSION } },
    },
    deliverEvent: {
      action: 'receive',
      channel: channelRef('deliver'),
      summary: 'The consumer takes an event, and settles it when every inbox has it.',
      messages: messagesIn('deliver', 'structuredEvent', 'binaryEvent'),
      bindings: { amqp: { ack: true, bindingVersion: BINDING_VERSION } },
    },
    tellSignal: {
      action: 'send',
      channel: channelRef('signals'),
      summary: 'Something has happened that other services may want to know.',
      messages: signals.messageRefs,
      bindings: { amqp: { deliveryMode: 2, bindingVersion: BINDING_VERSION } },
    },
    buryEvent: {
      action: 'send',
      channel: channelRef('dead'),
      summary: 'The consumer gives an event up.',
      messages: messagesIn('dead', 'deadLetter'),
      bindings: { amqp: { deliveryMode: 2, mandatory: true, bindingVersion: BINDING_VERSION } },
    },
  },
  messages: {
    ...signals.messages,
    structuredEvent: {
      title: 'An event in structured mode',
      summary:
        'The whole CloudEvent is the body. The content type application/json, or none, is understood too.',
      contentType: STRUCTURED_TYPE,
      payload: refTo('CloudEvent'),
    },
    binaryEvent: {
      title: 'An event in binary mode',
      summary: 'The attributes are headers, the body is the data, and the content type is datacontenttype.',
      description: 'With a content type that is not JSON the body is any bytes, as in data_base64.',
      contentType: 'application/json',
      headers: refTo('EventAttributes'),
      payload: refTo('EventData'),
    },
    deadLetter: {
      title: 'A dead letter',
      summary: 'The message as it came, byte for byte, with its headers and those that say why.',
      description: `x-carillon-reason is one of:\n\n${meanings(refusalCodes)}\n\nThe message-id is a hash of what came: the same in copies of one event, which broken links may leave here.\n\nWithout x-carillon- headers it was RabbitMQ that gave the event up; see x-death.`,
      headers: refTo('DeadLetterHeaders'),
      payload: {},
    },
  },
  schemas,
  securitySchemes: { rabbitmqUser: { type: 'userPassword', description: 'In AMQP_URL.' } },
};

function topicExchange(name: string) {
  const exchange = { name, type: 'topic', durable: true, autoDelete: false, vhost: '/' };
  return { amqp: { is: 'routingKey', exchange, bindingVersion: BINDING_VERSION } };
}

function durableQueue(name: string) {
  const queue = { name, durable: true, exclusive: false, autoDelete: false, vhost: '/' };
  return { amqp: { is: 'queue', queue, bindingVersion: BINDING_VERSION } };
}
