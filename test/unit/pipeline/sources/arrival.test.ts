/** Where a message came from: as it arrives, as a dead letter and when it is redriven; and that nobody gains by forging it. */
import { describe, expect, test } from 'vitest';
import { fingerprintOf } from '../../../../src/pipeline/ingest/message.ts';
import { arrivalIn, arrivalOf, originHeaders } from '../../../../src/pipeline/sources/arrival.ts';

const content = Buffer.from('{}');
const properties = {
  messageId: 'm',
  appId: 'a',
  timestamp: 1_795_770_000,
  contentType: 'application/json',
  headers: { h: 1 },
};
const from = (exchange: string, headers: object = {}) => ({
  content,
  fields: { exchange, routingKey: 'k' },
  properties: { ...properties, headers: { ...properties.headers, ...headers } },
});
const claims = { 'x-carillon-exchange': 'hr', 'x-carillon-properties': { messageId: 'other' } };
const reason = { 'x-carillon-reason': 'no_audience' };
const death = (exchange: string, queue = 'carillon.deliver') => ({
  'x-death': [{ queue, exchange, reason: 'delivery_limit' }],
});

describe('a message has the origin', () => {
  test.each([
    ['of the exchange that it was published to', from('shop'), undefined, { exchange: 'shop' }],
    ['of the queue that it was taken from', from('shop'), 'q', { exchange: 'shop', queue: 'q' }],
    ['of that queue, whatever it claims', from('', claims), 'q', { exchange: '', queue: 'q' }],
    ['of its exchange, whatever it claims', from('shop', claims), undefined, { exchange: 'shop' }],
    ['none, from our exchange', from('carillon.events'), undefined, undefined],
    ['none, straight to our queue', from(''), undefined, undefined],
    ['that a redrive gave it', from('carillon.events', claims), undefined, { exchange: 'hr' }],
  ])('%s', (_, message, queue, origin) => {
    expect(arrivalOf(message, queue).origin).toEqual(origin);
  });
});

test('a dead letter, and what is redriven of it, is what arrived', () => {
  for (const queue of [undefined, 'q']) {
    const arrival = arrivalOf(from('shop'), queue);
    const headers = { ...properties.headers, ...originHeaders(arrival) };
    const stored = {
      content,
      fields: { routingKey: 'k' },
      properties: { contentType: 'application/json', messageId: 'fingerprint', headers },
    };
    for (const again of [
      arrivalIn(stored),
      arrivalOf({ ...stored, fields: { routingKey: 'k', exchange: 'carillon.events' } }),
    ]) {
      expect(again).toMatchObject({
        content,
        origin: arrival.origin,
        properties: { messageId: 'm', appId: 'a', timestamp: 1_795_770_000 },
      });
      expect(fingerprintOf(again)).toBe(fingerprintOf(arrival));
    }
  }
});

describe('a dead letter has the origin', () => {
  const stored = (headers: object) => ({ ...from('carillon.dead', headers), fields: { routingKey: 'k' } });

  test.each([
    ['none, of an event of our own exchange', { ...reason }, undefined],
    ['that it says', { ...reason, ...claims }, { exchange: 'hr' }],
    ['that RabbitMQ says, when it gave it up itself', death('shop'), { exchange: 'shop' }],
    ['that RabbitMQ says, whatever it claims', { ...death('shop'), ...claims }, { exchange: 'shop' }],
    [
      'of a redrive, when RabbitMQ gave that up',
      { ...death('carillon.events'), ...claims },
      { exchange: 'hr' },
    ],
    [
      'that leads nowhere, when the two contradict each other',
      { ...reason, ...death('shop'), ...claims },
      { exchange: '' },
    ],
    [
      'that it says, when RabbitMQ gave it up elsewhere before',
      { ...reason, ...death('x', 'theirs'), ...claims },
      { exchange: 'hr' },
    ],
  ])('%s', (_, headers, origin) => {
    expect(arrivalIn(stored(headers)).origin).toEqual(origin);
  });
});

test('two messages with one body are two dead letters', () => {
  const other = { ...from('shop'), properties: { ...properties, messageId: 'n' } };
  expect(fingerprintOf(arrivalOf(from('shop')))).not.toBe(fingerprintOf(arrivalOf(other)));
  expect(fingerprintOf(arrivalOf(from('shop')))).not.toBe(fingerprintOf(arrivalOf(from('bills'))));
});
