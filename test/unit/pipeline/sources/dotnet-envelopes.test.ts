/** Envelopes of the .NET world: what MassTransit and NServiceBus publish, with and without their names in the file. */
import { describe, expect, test } from 'vitest';
import { jsonTextOf } from '../../../../src/contract/written.ts';
import { becomes, readerOf, sent } from './messages.ts';

const HASH = /^[\w-]{43}$/;

describe('MassTransit', () => {
  const envelope = {
    messageId: '7c3d0000-5c4e-0015-2d7a-08dd0ebd1f4e',
    requestId: null,
    conversationId: '7c3d0000-5c4e-0015-3f11-08dd0ebd1f4e',
    sourceAddress: 'rabbitmq://localhost/web_Shop_bus_abc?temporary=true',
    destinationAddress: 'rabbitmq://localhost/Shop.Contracts:OrderShipped',
    messageType: ['urn:message:Shop.Contracts:OrderShipped', 'urn:message:Shop.Contracts:IOrderEvent'],
    message: { orderId: 'A7', customerId: 42 },
    expirationTime: null,
    sentTime: '2026-11-27T09:00:00.1234567Z',
    headers: { 'MT-Activity-Id': '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
    host: { machineName: 'web', massTransitVersion: '8.2.5.0' },
  };
  const message = {
    body: envelope,
    routingKey: '',
    properties: { contentType: 'application/vnd.masstransit+json', messageId: envelope.messageId },
    origin: { exchange: 'shop.events' },
  };

  test.each(['', 'envelope: masstransit'])('its envelope becomes an event (%s)', (source) => {
    expect(becomes(message, source)).toEqual({
      specversion: '1.0',
      id: envelope.messageId,
      source: '/shop.events',
      type: 'Shop.Contracts.OrderShipped',
      time: '2026-11-27T09:00:00.1234567Z',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      data: { orderId: 'A7', customerId: 42 },
    });
  });

  test('templates see the message as data and all of it as body', () => {
    expect(
      becomes(message, 'event: { audience: "user:{data.customerId}", subject: "{body.conversationId}" }'),
    ).toMatchObject({
      audience: ['user:42'],
      subject: envelope.conversationId,
    });
  });

  test('numbers of the message stay as they were written', () => {
    const body = '{"messageType":["urn:message:A:B"],"message":{"n":12857044736508887020}}';
    const read = readerOf('sources: [{ exchange: shop.events, envelope: masstransit }]').read(sent({ body }));
    expect(read.ok && jsonTextOf(read.value.event.data ?? {})).toBe('{"n":12857044736508887020}');
    expect(read).toMatchObject({ value: { event: { type: 'A.B', id: expect.stringMatching(HASH) } } });
  });

  test.each([
    ['a type within a type', ['urn:message:Shop:Outer+Inner'], 'Shop.Outer.Inner'],
    ['a generic type', ['urn:message:Shop:Wrap[[Shop:Inner]]'], 'Shop.Wrap[[Shop.Inner]]'],
    ['no list', 'urn:message:Shop:A', 'shop.events'],
    ['an empty list', [], 'shop.events'],
  ])('%s', (_, messageType, type) => {
    expect(becomes({ ...message, body: { ...envelope, messageType } })).toMatchObject({ type });
  });

  test('what is no envelope says what it may be', () => {
    expect(becomes({ body: { orderId: 1 } }, 'envelope: masstransit')).toMatchObject({
      code: 'invalid_event',
      path: 'message',
    });
    expect(becomes({ body: [1] }, 'envelope: masstransit')).toMatchObject({
      code: 'invalid_event',
      path: 'message',
    });
    expect(becomes({ body: { message: 'x' } }, 'envelope: masstransit')).toMatchObject({
      code: 'invalid_event',
      path: 'data',
    });
  });
});

describe('NServiceBus', () => {
  const headers = {
    'NServiceBus.MessageId': 'ab1a8c7e-1f0e-4a1e-9d56-b2a300c4f3d2',
    'NServiceBus.EnclosedMessageTypes':
      'Shop.Messages.OrderShipped, Shop.Messages, Version=1.0.0.0, Culture=neutral, PublicKeyToken=null;Shop.Messages.IOrderEvent, Shop.Messages, Version=1.0.0.0',
    'NServiceBus.TimeSent': '2026-11-27 09:00:00:123456 Z',
    'NServiceBus.OriginatingEndpoint': 'Shop.Sales',
    'NServiceBus.ContentType': 'application/json',
  };
  const body = Buffer.from(`\ufeff${JSON.stringify({ OrderId: 'A7' })}`);

  test.each(['', 'envelope: nservicebus'])('its headers name the event (%s)', (source) => {
    expect(becomes({ body, routingKey: '', properties: { headers } }, source)).toEqual({
      specversion: '1.0',
      id: headers['NServiceBus.MessageId'],
      source: '/Shop.Sales',
      type: 'Shop.Messages.OrderShipped',
      time: '2026-11-27T09:00:00.123456Z',
      data: { OrderId: 'A7' },
    });
  });

  test.each([
    ['only a name', 'Shop.OrderShipped', 'Shop.OrderShipped'],
    ['a type within a type', 'Shop.Outer+Inner, Shop', 'Shop.Outer.Inner'],
    ['a generic type', 'Shop.Wrap`1[[Shop.Inner, Shop]], Shop', 'Shop.Wrap`1[[Shop.Inner,Shop]]'],
    ['nothing', '', 'order.shipped'],
    ['bytes', Buffer.from('x'), 'order.shipped'],
  ])('%s', (_, types, type) => {
    const event = becomes({
      body: {},
      properties: { headers: { ...headers, 'NServiceBus.EnclosedMessageTypes': types } },
    });
    expect(event).toMatchObject({ type });
  });

  test('a time that is none is left out', () => {
    const wrong = { ...headers, 'NServiceBus.TimeSent': '2026-02-31 09:00:00:123456 Z' };
    expect(becomes({ body: {}, properties: { headers: wrong } })).not.toHaveProperty('time');
  });
});
