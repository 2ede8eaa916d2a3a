/**
 * Hostile manners: headers, framing and timing of HTTP that no honest client has. Nothing gets a 5xx or a word about
 * our insides, nobody holds a connection for ever, and the server lives.
 */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CarillonProcess,
  isReady,
  JWT_SECRET,
  startCarillon,
  tokenFor,
} from '../../../support/carillon.ts';
import fc from '../../../support/fast-check.ts';
import { countInputs, nested } from '../../../support/hostile.ts';
import { type Asked, ask, bytesOf, expectHarmless, expectNoFailure } from '../../../support/hostile-http.ts';
import { madeEvent } from '../../../support/producer.ts';
import { sendRaw } from '../../../support/raw-http.ts';
import { until } from '../../../support/until.ts';

const tried = countInputs();
let carillon: CarillonProcess;
let token: string;

beforeAll(async () => {
  carillon = await startCarillon({ JWT_SECRET });
  token = await tokenFor('ada', { scope: 'events:write' });
});
afterAll(() => carillon.stop());

const good = (id: string) => JSON.stringify(madeEvent(id, { audience: 'user:ada' }));

describe('headers', () => {
  const names = [
    'ce-id',
    'ce-audience',
    'ce-__proto__',
    'ce-data',
    'ce-',
    'origin',
    'accept-encoding',
    'accept',
  ];
  const others = [
    'authorization',
    'cookie',
    'range',
    'if-none-match',
    'x-forwarded-for',
    'x-http-method-override',
  ];
  const anyHeaders = fc.dictionary(
    fc.constantFrom(...names, ...others, 'accept-version', 'content-encoding', 'expect', 'te', 'x-__proto__'),
    fc.oneof(
      fc.stringMatching(/^[\x20-\x7e\x80-\xff]{0,100}$/),
      fc.constantFrom(
        '%',
        '%ff',
        '%00',
        '%ed%a0%80',
        'gzip;q=0, identity;q=0',
        '*;q=0',
        'bytes=0-,-1',
        '100-continue',
      ),
      fc.constantFrom(
        'Bearer',
        'Bearer  ',
        'bearer a b',
        `Bearer ${'.'.repeat(8_000)}`,
        'Basic eDp5',
        'null',
      ),
    ),
    { maxKeys: 6 },
  );

  test('of every kind', async () => {
    const anyRequest = fc.constantFrom<[string, string]>(
      ['POST', '/v1/events'],
      ['GET', '/v1/inbox'],
      ['GET', '/docs/json'],
      ['GET', '/health/ready'],
      ['HEAD', '/'],
    );
    await fc.assert(
      fc.asyncProperty(anyRequest, anyHeaders, async ([method, path], headers) => {
        tried();
        const bytes = bytesOf({ method, path, headers, body: method === 'POST' ? good('h') : '' }, token);
        // What HEAD is answered says a length and has no body: the end of the connection tells.
        for (const answer of await sendRaw(carillon.url, bytes))
          if (method !== 'HEAD') expectHarmless(answer);
      }),
      { numRuns: 300 },
    );
  });

  const start = 'POST /v1/events HTTP/1.1\r\n';
  test.for<[string, string]>([
    ['no host', `${start}\r\n`],
    ['two lengths', `${start}host: 127.0.0.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab`],
    [
      'a length and chunks',
      `${start}host: 127.0.0.1\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['a length below zero', `${start}host: 127.0.0.1\r\ncontent-length: -1\r\n\r\n`],
    ['a length without end', `${start}host: 127.0.0.1\r\ncontent-length: ${'9'.repeat(40)}\r\n\r\n`],
    ['chunks of no number', `${start}host: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`],
    ['another coding', `${start}host: 127.0.0.1\r\ntransfer-encoding: gzip\r\n\r\n`],
    ['too large', `${start}host: 127.0.0.1\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`],
    ['too many', `${start}host: 127.0.0.1\r\n${'x: y\r\n'.repeat(5_000)}\r\n`],
    ['a NUL', `${start}host: 127.0.0.1\r\nx: \u0000\r\n\r\n`],
    ['a bare line end', `${start}host: 127.0.0.1\nx: y\r z\r\n\r\n`],
    ['a space before the colon', `${start}host : a\r\n\r\n`],
    ['an expectation', `${start}host: 127.0.0.1\r\nexpect: the unexpected\r\nconnection: close\r\n\r\n`],
    ['no HTTP', '\u0016\u0003\u0001\u0002\u0000\u0001'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['HTTP/9', 'GET / HTTP/9.9\r\nhost: 127.0.0.1\r\n\r\n'],
    ['no such method', 'BREW / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'],
  ])('%s', async ([, bytes]) => {
    tried();
    const answers = await sendRaw(carillon.url, Buffer.from(bytes, 'latin1'));
    for (const answer of answers) {
      expectHarmless(answer);
      expect(answer.status).toBeGreaterThanOrEqual(400);
    }
  });
});

test('many requests in one write are answered in their order', async () => {
  const kinds: readonly Asked[] = [
    { method: 'GET', path: '/health/live' },
    { body: '{' },
    { body: nested(1_000) },
    { method: 'GET', path: '/nowhere' },
    { headers: { authorization: 'Bearer x' } },
  ];
  const asked = Array.from({ length: 100 }, (_, i) => kinds[i % kinds.length] ?? {});
  const bytes = asked.map((one) =>
    bytesOf({ ...one, headers: { ...one.headers, connection: 'keep-alive' } }, token),
  );
  tried(asked.length);
  const answers = await sendRaw(carillon.url, Buffer.concat(bytes), asked.length);
  expect(answers.map(({ status }) => status)).toEqual(asked.map((_, i) => [200, 400, 422, 404, 401][i % 5]));
});

test('who is slow is not waited for, and who is quick is not kept waiting', async () => {
  const { port } = new URL(carillon.url);
  const beginnings = [
    bytesOf({ headers: { 'content-length': '100' } }, token),
    Buffer.from('GET / HTTP/1.1\r\nx: '),
  ];
  let closed = 0;
  for (let i = 0; i < 40; i += 1) {
    tried();
    const stream = connect(Number(port), '127.0.0.1').on('error', () => {});
    stream
      .on('data', () => {})
      .on('close', () => {
        closed += 1;
      });
    stream.write(beginnings[i % 2] ?? '');
  }
  expect((await ask(carillon.url, token, { body: good('quick') })).status).toBe(202);
  await until('all slow requests to be given up', 60_000, () => closed === 40);
}, 120_000);

test('after all this the server is as it was', async () => {
  await expect.poll(() => isReady(carillon)).toBe(true);
  expectNoFailure(carillon.output);
});
