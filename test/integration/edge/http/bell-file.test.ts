/** `GET /client/bell.js`: who may load it, what browsers may keep, and its encodings. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon } from '../../../support/carillon.ts';
import { freshRedis, freshVhost } from '../../../support/servers.ts';

const FILE = readFileSync(new URL('../../../../dist/client/bell.js', import.meta.url), 'utf8');
const [, VERSION = expect.unreachable('the version')] = /^\/\*! carillon-client (\S+), MIT/.exec(FILE) ?? [];
const PATH = '/client/bell.js';
const EVIL = 'https://evil.example';

let [production, embedded, uncompressed]: CarillonProcess[] = [];
beforeAll(async () => {
  [production, embedded, uncompressed] = await Promise.all([
    startCarillon({ JWT_SECRET, AMQP_URL: await freshVhost(), REDIS_URL: await freshRedis() }),
    startCarillon({}),
    startCarillon({ JWT_SECRET, COMPRESSION_LEVEL: '0' }),
  ]);
});
afterAll(async () => {
  await Promise.all([production, embedded, uncompressed].map((one) => one?.stop()));
});

async function ask(path = PATH, headers: Record<string, string> = {}, of = production, method = 'GET') {
  const response = await fetch(`${of?.url}${path}`, { method, headers });
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text: await response.text(),
  };
}

const FOR_EVER = 'public, max-age=31536000, immutable';
const FOR_A_WHILE = 'public, max-age=300';

test('is a module that any page may load, and says its version', async () => {
  expect(await ask(PATH, { origin: 'https://any.example' })).toMatchObject({
    status: 200,
    text: FILE,
    headers: {
      'content-type': 'text/javascript; charset=utf-8',
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'x-content-type-options': 'nosniff',
      etag: `W/"${VERSION}"`,
      vary: 'Accept-Encoding',
    },
  });
});

test.for([
  [PATH, FOR_A_WHILE],
  [`${PATH}?v=${VERSION}`, FOR_EVER],
  // In a rolling update the file behind it is another one.
  [`${PATH}?v=0.0.1-000000000000`, FOR_A_WHILE],
  [`${PATH}?v=`, FOR_A_WHILE],
])('%s is kept: %s', async ([path = '', cache]) => {
  expect((await ask(path)).headers['cache-control']).toBe(cache);
});

test.for([
  [`W/"${VERSION}"`, 304],
  [`"other", "${VERSION}"`, 304],
  ['"other"', 200],
] as const)('If-None-Match %s: %i', async ([tag, status]) => {
  const answer = await ask(`${PATH}?v=${VERSION}`, { 'if-none-match': tag });
  expect(answer).toMatchObject({ status, text: status === 304 ? '' : FILE });
  expect(answer.headers).toMatchObject({ 'cache-control': FOR_EVER, 'access-control-allow-origin': '*' });
});

describe('encodings', () => {
  test.for([
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip'],
    ['br;q=0, gzip;q=0.5', 'gzip'],
    ['identity', undefined],
  ])('%s: %s', async ([accepted = '', encoding]) => {
    const { headers, text } = await ask(PATH, { 'accept-encoding': accepted });
    expect(headers['content-encoding']).toBe(encoding);
    expect(text).toBe(FILE);
    // Compressed by the build, hence of a known length.
    expect(Number(headers['content-length'])).toBeGreaterThan(10_000);
  });

  test('none without compression', async () => {
    const { headers, text } = await ask(PATH, { 'accept-encoding': 'br, gzip' }, uncompressed);
    expect([headers['content-encoding'], text]).toEqual([undefined, FILE]);
  });
});

test('HEAD has the same headers; other methods are refused', async () => {
  const { status, headers, text } = await ask(PATH, {}, production, 'HEAD');
  expect([status, headers.etag, text]).toEqual([200, `W/"${VERSION}"`, '']);
  expect(await ask(PATH, {}, production, 'POST')).toMatchObject({
    status: 405,
    headers: { allow: 'GET, HEAD' },
  });
});

test('in embedded mode it is for pages of this machine', async () => {
  expect(await ask(PATH, { origin: 'http://localhost:5173' }, embedded)).toMatchObject({
    status: 200,
    text: FILE,
  });
  expect((await ask(PATH, { origin: EVIL }, embedded)).status).toBe(403);
});
