/** What a log line tells of an event that could not be delivered: enough to find it, nothing of its data, and bounded. */
import { expect, test } from 'vitest';
import { createLog } from '../../../src/observe/log.ts';
import type { StoredDeadLetter } from '../../../src/operate/dead-letters/dead-letter-store.ts';
import { namesOf } from '../../../src/operate/dead-letters/stored-dead-letter.ts';

const deadLetter = (
  content: string,
  headers: Record<string, unknown> = {},
  routingKey = 'order.lost',
): StoredDeadLetter => ({
  content: Buffer.from(content),
  fields: { routingKey },
  properties: { contentType: undefined, contentEncoding: undefined, messageId: undefined, headers },
});

test('source, id and type of a structured event, and the id of its dead letter; not its data', () => {
  const content = JSON.stringify({
    id: '7',
    source: '/shop',
    type: 'order.paid',
    data: { password: 'hidden' },
  });
  const names = namesOf(deadLetter(content));
  expect(names).toEqual({
    source: '/shop',
    id: '7',
    type: 'order.paid',
    routingKey: 'order.lost',
    deadLetter: expect.stringMatching(/^[\w-]{43}$/),
  });
  expect(JSON.stringify(names)).not.toContain('hidden');
});

test('the same of an event in binary mode, whatever its body is', () => {
  const headers = { 'cloudEvents:id': '8', 'cloudEvents:source': '/scan', 'cloudEvents:type': 'scan.made' };
  expect(namesOf(deadLetter('\u0000?', headers))).toMatchObject({
    source: '/scan',
    id: '8',
    type: 'scan.made',
  });
});

test('who published it: the app and the user of RabbitMQ, as far as the message tells', () => {
  const { content, fields, properties } = deadLetter('?');
  const of = (more: Record<string, unknown>) =>
    namesOf({ content, fields, properties: { ...properties, ...more } }).producer;
  expect(of({ appId: 'shop', userId: 'orders' })).toEqual({ appId: 'shop', userId: 'orders' });
  expect(of({ appId: 'shop' })).toEqual({ appId: 'shop' });
  expect(of({ appId: 7, userId: '' })).toBeUndefined();
  expect(of({})).toBeUndefined();
});

test('what is no event has its routing key and the id of its dead letter', () => {
  expect(namesOf(deadLetter('?'))).toMatchObject({
    source: undefined,
    id: undefined,
    routingKey: 'order.lost',
  });
});

test('is bounded, and no control character of a stranger reaches the log', () => {
  const long = `\u001b[31m\u009b${'x'.repeat(5_000)}`;
  const whole = deadLetter(JSON.stringify({ id: long, source: long, type: long }), {}, long);
  const written: string[] = [];
  const log = createLog({ level: 'info', redact: [], destination: { write: (text) => written.push(text) } });
  log.warn(namesOf({ ...whole, properties: { ...whole.properties, appId: long, userId: long } }), 'lost');
  const line = written.join('');
  expect(line.length).toBeLessThan(3_000);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  expect(line.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
});
