/**
 * Describes all traffic over AMQP and Socket.IO in one AsyncAPI document. The application in the document is Carillon.
 */
import { amqp } from './asyncapi-amqp.ts';
import { type Requests, socket } from './asyncapi-socket.ts';
import { componentsOf, type Json } from './json-schema.ts';

export function asyncapiDocument(requests: Requests): Json {
  const devices = socket(requests);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Carillon',
      version: '1',
      description:
        'Producers publish events to RabbitMQ, devices are told notifications over Socket.IO. Between processes go messages of Redis sharded Pub/Sub, which docs/protocol.md tells of. Over HTTP: see openapi.yaml. Receivers MUST ignore attributes that they do not know.',
    },
    defaultContentType: 'application/json',
    servers: { ...amqp.servers, ...devices.servers },
    channels: { ...amqp.channels, ...devices.channels },
    operations: { ...amqp.operations, ...devices.operations },
    components: {
      messages: { ...amqp.messages, ...devices.messages },
      schemas: componentsOf({ ...amqp.schemas, ...devices.schemas }),
      securitySchemes: { ...amqp.securitySchemes, ...devices.securitySchemes },
    },
  };
}
