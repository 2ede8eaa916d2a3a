/** What decides the partition of an event that Carillon publishes itself. */
import { expect, test } from 'vitest';
import { readEnvelope } from '../../../src/contract/cloudevent.ts';
import { partitionKeyOf } from '../../../src/contract/partition-key.ts';

function keyOf(attributes: Record<string, unknown>): string {
  const read = readEnvelope({ specversion: '1.0', id: '1', source: '/shop', type: 'a.b', ...attributes });
  if (!read.ok) throw new Error(read.refusal.message);
  return partitionKeyOf(read.value);
}

test.each([
  ['the extension', { partitionkey: 'order-7', audience: ['user:1'] }, 'order-7'],
  ['the first audience', { audience: ['user:2', 'user:1'] }, 'user:2'],
  ['the source, when routes decide', {}, '/shop'],
  ['the source, when the extension is empty', { partitionkey: '' }, '/shop'],
  ['the audience, when the extension is no text', { partitionkey: 7, audience: 'user:3' }, 'user:3'],
])('the key is %s', (_, attributes, key) => {
  expect(keyOf(attributes)).toBe(key);
});

test('a key has room in a header, and the same one always becomes the same', () => {
  const long = 'k'.repeat(200_000);
  expect(keyOf({ partitionkey: long })).toBe('k'.repeat(256));
});
