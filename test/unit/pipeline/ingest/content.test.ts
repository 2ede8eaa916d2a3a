/** Bodies that were compressed: read as if they were not, within the bound, and refused with the reason otherwise. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { noProperties } from '../../../../src/adapters/rabbitmq/amqp-properties.ts';
import { factsOf, viewOf } from '../../../../src/operate/dead-letters/stored-dead-letter.ts';
import { writable } from '../../../../src/operate/dead-letters/writable-message.ts';
import { readMessage } from '../../../../src/pipeline/ingest/message.ts';

const MAX_BYTES = 65_536;
const event = { specversion: '1.0', id: '1', source: '/shop', type: 'order.shipped', data: { a: 1 } };
const body = Buffer.from(JSON.stringify(event));

const read = (
  content: Buffer,
  contentEncoding: unknown,
  headers?: Record<string, unknown>,
  contentType?: string,
) => readMessage(content, { contentType, headers, contentEncoding }, MAX_BYTES);

test.each<[string, Buffer]>([
  ['gzip', gzipSync(body)],
  ['GZIP', gzipSync(body)],
  ['x-gzip', gzipSync(body)],
  ['gzip:UTF-8', gzipSync(body)],
  ['gzip, utf-8', gzipSync(body)],
  ['deflate', deflateSync(body)],
  ['deflate', deflateRawSync(body)],
  ['utf-8', body],
  ['UTF8', body],
  ['us-ascii', body],
  ['ISO-8859-1', body],
  ['binary', body],
  ['8bit', body],
  ['identity', body],
  ['', body],
])('%s is read', (encoding, content) => {
  expect(read(content, encoding)).toEqual({ ok: true, value: { event, envelope: event } });
});

test('in binary mode, too, whatever the data is', () => {
  const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' };
  expect(read(gzipSync('{"a":2}'), 'gzip', headers, 'application/json')).toMatchObject({
    ok: true,
    value: { event: { data: { a: 2 } } },
  });
  expect(read(gzipSync('hello'), 'gzip', headers, 'text/plain')).toMatchObject({
    ok: true,
    value: { event: { data_base64: 'aGVsbG8=' } },
  });
});

test.each<[string, Buffer, string, string]>([
  [
    'br',
    brotliCompressSync(body),
    'unsupported_media_type',
    'content encoding "br": send gzip, deflate or none',
  ],
  ['zstd', body, 'unsupported_media_type', 'content encoding "zstd"'],
  [
    'gzip, deflate',
    gzipSync(deflateSync(body)),
    'unsupported_media_type',
    'content encoding "gzip, deflate"',
  ],
  ['x'.repeat(250), body, 'unsupported_media_type', `content encoding "${'x'.repeat(64)}"`],
  ['gzip\u001b[1m', body, 'unsupported_media_type', 'content encoding "gzip\\u001b[1m"'],
  ['gzip', body, 'invalid_event', 'the body is not gzip, as its content encoding says'],
  ['gzip', gzipSync(body).subarray(0, -9), 'invalid_event', 'the body is not gzip'],
  ['gzip', Buffer.alloc(0), 'invalid_event', 'the body is not gzip'],
  ['deflate', body, 'invalid_event', 'the body is not deflate'],
  ['deflate', Buffer.alloc(0), 'invalid_event', 'the body is not deflate'],
])('%s is refused', (encoding, content, code, message) => {
  expect(read(content, encoding)).toMatchObject({
    ok: false,
    refusal: { code, message: expect.stringContaining(message) },
  });
});

describe('a body that grows', () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1_048_576));

  test('beyond the bound is refused, and only so much of it is made', () => {
    for (const content of [bomb.subarray(0, MAX_BYTES), gzipSync(Buffer.alloc(MAX_BYTES + 1))]) {
      expect(read(content, 'gzip')).toEqual({
        ok: false,
        refusal: { code: 'too_large', message: `decompressed it has more than ${MAX_BYTES} bytes` },
      });
    }
    expect(read(deflateSync(Buffer.alloc(1_048_576)), 'deflate')).toMatchObject({
      refusal: { code: 'too_large' },
    });
  });

  test('to the bound is read', () => {
    const padded = Buffer.from(JSON.stringify(event).padEnd(MAX_BYTES));
    expect(read(gzipSync(padded), 'gzip').ok).toBe(true);
    expect(read(gzipSync(Buffer.concat([padded, Buffer.from(' ')])), 'gzip').ok).toBe(false);
  });
});

test('a dead letter is found and shown as the event that it is, and goes out again as it came', () => {
  const content = gzipSync(JSON.stringify({ ...event, audience: ['nobody'] }));
  const properties = {
    contentType: 'application/cloudevents+json',
    contentEncoding: 'gzip',
    headers: { 'x-carillon-reason': 'invalid_audience' },
  };
  const stored = { content, fields: { routingKey: 'k' }, properties: { ...noProperties(), ...properties } };
  const facts = factsOf(stored);
  expect(facts).toMatchObject({ source: '/shop', event: '1', type: 'order.shipped' });
  const view = viewOf(stored, facts, (envelope) => JSON.stringify(envelope), 1_000);
  expect(JSON.parse(view.body ?? '')).toMatchObject(event);
  expect(writable(stored, () => false, 10_000).properties).toMatchObject({ contentEncoding: 'gzip' });
  const bomb = { ...stored, content: gzipSync(Buffer.alloc(8 * 1_048_576)) };
  expect(factsOf(bomb)).toMatchObject({ type: 'k', envelope: undefined });
});
