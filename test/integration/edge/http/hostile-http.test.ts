/**
 * Hostile HTTP: bodies and URLs that no honest client sends. What cannot be right gets problem details with a code;
 * nothing gets a 5xx or a word about our insides; and the server lives.
 */
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CarillonProcess,
  isReady,
  JWT_SECRET,
  startCarillon,
  tokenFor,
} from '../../../support/carillon.ts';
import fc from '../../../support/fast-check.ts';
import { countInputs, hostileJson, hostileValue, spoilt, weighted } from '../../../support/hostile.ts';
import { type Asked, ask, bytesOf, expectNoFailure } from '../../../support/hostile-http.ts';
import { madeEvent } from '../../../support/producer.ts';
import { sendRaw } from '../../../support/raw-http.ts';

const tried = countInputs();
const MAX_BYTES = 65_536;
let carillon: CarillonProcess;
let token: string;

beforeAll(async () => {
  carillon = await startCarillon({ JWT_SECRET, EVENT_MAX_BYTES: String(MAX_BYTES) });
  token = await tokenFor('ada', { scope: 'events:write' });
});
afterAll(() => carillon.stop());

const asking = async (asked: Asked) => {
  tried();
  return await ask(carillon.url, token, asked);
};

/** An answer of the API itself to a request that cannot be right. */
async function expectProblem(asked: Asked, ...statuses: number[]): Promise<void> {
  const { status, contentType } = await asking(asked);
  expect(contentType).toContain('application/problem+json');
  expect(statuses).toContain(status);
}

const good = (id: string, more: Record<string, unknown> = {}) =>
  JSON.stringify(madeEvent(id, { audience: 'user:ada', ...more }));
const basis = '"specversion":"1.0","id":"1","source":"/s","type":"t","audience":"user:eve"';

describe('bodies', () => {
  const anyBody = weighted<Uint8Array>(
    [2, hostileJson.map((json) => Buffer.from(json))],
    [2, hostileJson.map((json) => Buffer.from(`{${basis},"data":{"x":${json}}}`))],
    [2, hostileJson.map((json) => Buffer.from(`[{${basis}},${json}]`))],
    [2, spoilt(fc.constant(`[{${basis},"data":{"title":"x"}}]`))],
    [1, fc.uint8Array({ maxLength: 200 })],
  );
  const anyType = fc.oneof(
    fc.constantFrom('application/cloudevents+json', 'application/cloudevents-batch+json', 'application/json'),
    fc.constantFrom(
      '',
      ';',
      'text/plain',
      'multipart/form-data; boundary=x',
      'application/json; charset=utf-16',
    ),
    fc.constantFrom('__proto__', '*/*', 'application/x-www-form-urlencoded', `a/${'b'.repeat(5_000)}`),
    fc.stringMatching(/^[\x20-\x7e\xa0-\xff]{0,60}$/),
  );

  test('of every kind, under every content type', async () => {
    await fc.assert(
      fc.asyncProperty(anyBody, anyType, async (body, contentType) => {
        await asking({ body, headers: { 'content-type': contentType } });
        await asking({ body, path: '/v1/inbox/marks', headers: { 'content-type': contentType } });
        await asking({
          body,
          headers: { 'content-type': contentType, 'ce-id': '1', 'ce-specversion': '1.0' },
        });
      }),
      { numRuns: 150 },
    );
  });

  const bomb = Buffer.alloc(50_000_000, ' ');
  test.for<[string, string, () => Uint8Array, number]>([
    ['a bomb', 'gzip', () => gzipSync(bomb), 413],
    ['a bomb', 'deflate', () => deflateSync(bomb), 413],
    ['a bomb', 'br', () => brotliCompressSync(bomb), 413],
    ['what is not compressed', 'gzip', () => Buffer.from(good('x')), 400],
    ['half of it', 'gzip', () => gzipSync(good('x')).subarray(0, 20), 400],
    ['what nobody knows', 'x-secret', () => Buffer.from('x'), 415],
    ['twice', 'gzip, gzip', () => gzipSync(gzipSync(good('x'))), 415],
  ])('%s as %s', async ([, encoding, body, status]) => {
    await expectProblem({ body: body(), headers: { 'content-encoding': encoding } }, status);
  });

  test.for<[string, Asked]>([
    [
      'attributes and data that are too large together',
      {
        body: JSON.stringify({ x: 'x'.repeat(MAX_BYTES - 100) }),
        headers: {
          'content-type': 'application/json',
          'ce-specversion': '1.0',
          'ce-id': '1',
          'ce-source': `/${'s'.repeat(200)}`,
          'ce-type': 't',
          'ce-audience': 'user:eve',
        },
      },
    ],
  ])('what the consumer would find too large is refused at once: %s', async ([, asked]) => {
    await expectProblem(asked, 413);
  });

  test.for(['/v1/events', '/v1/inbox/marks'])('%s: nobody without a token has a body read', async (path) => {
    const head = bytesOf(
      { path, headers: { 'content-type': 'application/json', 'content-length': '1000000' } },
      'x.y.z',
    );
    tried();
    const [answer] = await sendRaw(carillon.url, head);
    expect(answer?.status).toBe(401);
  });
});

describe('URLs', () => {
  const pieces = [
    '/',
    '//',
    '..',
    '.',
    '%2e%2e',
    '%2f',
    '%5c',
    '%00',
    '%',
    '%ff',
    '%ed%a0%80',
    ';',
    '?',
    '#',
    '&',
  ];
  const words = [
    'v1',
    'inbox',
    'events',
    'docs',
    'static',
    'json',
    'demo',
    'token',
    'socket.io',
    'etc',
    'passwd',
  ];
  const queries = [
    '=',
    'limit=1e9',
    'limit[]=1',
    'before=e30',
    'filter=__proto__',
    '__proto__[x]=1',
    'user=%00',
  ];
  const anyPath = fc
    .array(fc.oneof(fc.constantFrom(...pieces, ...words, ...queries), fc.stringMatching(/^[!-~]{1,8}$/)), {
      maxLength: 12,
    })
    .map((parts) => `/${parts.join('')}`);
  const anyMethod = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE');

  test('of every kind', async () => {
    await fc.assert(
      fc.asyncProperty(anyMethod, anyPath, async (method, path) => {
        const { body } = await asking({ method, path });
        expect(body).not.toContain('root:');
      }),
      { numRuns: 500 },
    );
  });

  test.for<[string, number]>([
    ['/%', 400],
    ['/%ff', 400],
    ['/v1/%zz', 400],
    ['/nowhere', 404],
    [`/${'a'.repeat(10_000)}`, 404],
    ['/v1/inbox?limit=0', 400],
    ['/v1/inbox?limit=NaN', 400],
    ['/v1/inbox?limit=1&limit=2', 400],
    ['/v1/inbox?filter=nothing', 400],
    ['/v1/inbox?before=%00', 400],
    [`/v1/inbox?before=${Buffer.from('{"offsets":{"__proto__":1},"shown":{}}').toString('base64url')}`, 400],
    ['/docs/static/%2e%2e/%2e%2e/package.json', 404],
    ['/..%2f..%2fpackage.json', 404],
  ])('%s', async ([path, status]) => {
    await expectProblem({ method: 'GET', path }, status, status === 404 ? 403 : status);
  });

  test('cursors that no page gave out', async () => {
    const anyCursor = fc.record({ offsets: hostileValue, shown: hostileValue });
    await fc.assert(
      fc.asyncProperty(fc.oneof(anyCursor, hostileValue), async (value) => {
        const before = Buffer.from(JSON.stringify(value)).toString('base64url').slice(0, 8_000);
        const { status } = await asking({ method: 'GET', path: `/v1/inbox?before=${before}` });
        expect([200, 400]).toContain(status);
      }),
      { numRuns: 100 },
    );
  });
});

test('after all this the server is as it was', async () => {
  await expect.poll(() => isReady(carillon)).toBe(true);
  expect((await asking({ body: good('last') })).status).toBe(202);
  const inbox = await asking({
    method: 'GET',
    path: '/v1/inbox?limit=1',
    headers: { 'accept-encoding': 'identity' },
  });
  expect(JSON.parse(inbox.body)).toMatchObject({ notifications: [{ id: 'last' }] });
  expectNoFailure(carillon.output);
});
