/**
 * Hostile connections: requests and upgrades of every kind, in pieces, one after the other or all at once. Each is
 * answered in writing or served, none is left behind, nobody else notices, and the process ends in order.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import fc from '../../../support/fast-check.ts';
import { countInputs, weighted } from '../../../support/hostile.ts';
import { exchange } from '../../../support/raw-http.ts';
import { socketsOf } from '../../../support/server-sockets.ts';
import { until } from '../../../support/until.ts';
import { Witnessed } from '../../../support/witness.ts';

const tried = countInputs();
const AT_ONCE = 16;
const ROUNDS = 40;
/** Connections that `fetch` keeps for later, which are not counted as left behind. */
const KEPT = 4;

let attacked: Witnessed;
let before: number;
beforeAll(async () => {
  attacked = await Witnessed.start();
  before = await socketsOf(attacked.carillon);
});
afterAll(() => attacked.stop());

const anyMethod = weighted(
  [6, fc.constant('GET')],
  [3, fc.constant('POST')],
  [3, fc.constantFrom('PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'CONNECT', 'PROPFIND')],
);
const anyQuery = fc
  .array(
    fc.tuple(
      fc.constantFrom('EIO', 'transport', 'sid', 't', 'b64', '__proto__'),
      fc.constantFrom(
        '3',
        '4',
        '',
        'abc',
        'polling',
        'websocket',
        'webtransport',
        '__proto__',
        '%ff',
        '%00',
        'x'.repeat(3_000),
      ),
    ),
    { maxLength: 4 },
  )
  .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join('&'));
const anyPath = weighted(
  [4, anyQuery.map((query) => `/socket.io/?EIO=4&transport=websocket&${query}`)],
  [3, anyQuery.map((query) => `/socket.io/?${query}`)],
  [
    1,
    fc.constantFrom(
      '/socket.io',
      '/socket.io/../v1/inbox',
      '//socket.io/',
      '/SOCKET.IO/',
      '/socket.io/%2e%2e/',
      '/socket.io/socket.io.js',
    ),
  ],
  [
    3,
    fc.constantFrom(
      '/health/live',
      '/health/ready',
      '/v1/events',
      '/v1/inbox',
      '/nowhere',
      '/',
      '*',
      '/%',
      'http://a/socket.io/',
    ),
  ],
);
const anyHeader = weighted<readonly [string, string]>(
  [
    3,
    fc.tuple(
      fc.constant('upgrade'),
      fc.constantFrom('websocket', 'WebSocket', 'h2c', 'websocket, h2c', 'TLS/1.0', ''),
    ),
  ],
  [
    3,
    fc.tuple(
      fc.constant('connection'),
      fc.constantFrom(
        'Upgrade',
        'upgrade, keep-alive',
        'keep-alive',
        'close',
        'Upgrade, close',
        'HTTP2-Settings',
      ),
    ),
  ],
  [
    2,
    fc.tuple(fc.constant('sec-websocket-key'), fc.constantFrom('dGhlIHNhbXBsZSBub25jZQ==', '', 'AA==', '!')),
  ],
  [2, fc.tuple(fc.constant('sec-websocket-version'), fc.constantFrom('13', '8', '7', '', '13, 8'))],
  [1, fc.tuple(fc.constant('sec-websocket-protocol'), fc.constantFrom('a', 'a, a', ',,', '"'))],
  [
    1,
    fc.tuple(
      fc.constant('sec-websocket-extensions'),
      fc.constantFrom('permessage-deflate', ';;', 'permessage-deflate; a=1', 'x'),
    ),
  ],
  [1, fc.tuple(fc.constant('origin'), fc.constantFrom('null', 'https://evil.example', '%', '\xff', ''))],
  [1, fc.tuple(fc.constant('expect'), fc.constantFrom('100-continue', 'the unexpected'))],
  [
    1,
    fc.tuple(
      fc.constantFrom('http2-settings', 'te', 'x-forwarded-for', 'host', 'cookie'),
      fc.constantFrom('', 'a', 'trailers', '1.2.3.4'),
    ),
  ],
);

/** Most have what a good handshake has, so that what is wrong with them is one thing. */
const anyRequest = fc
  .record({
    method: anyMethod,
    path: anyPath,
    headers: fc.array(anyHeader, { maxLength: 5 }),
    isHandshake: fc.boolean(),
    version: weighted([8, fc.constant('1.1')], [1, fc.constant('1.0')]),
    body: weighted([4, fc.constant('')], [1, fc.constantFrom('4', '{}', '40{}\u001e1', 'x'.repeat(2_000))]),
    isChunked: fc.boolean(),
    cuts: fc.array(fc.nat(400), { maxLength: 3 }),
  })
  .map(({ method, path, headers, isHandshake, version, body, isChunked, cuts }) => {
    const good: (readonly [string, string])[] = [
      ['connection', 'Upgrade'],
      ['upgrade', 'websocket'],
      ['sec-websocket-version', '13'],
      ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='],
    ];
    const length: readonly [string, string] =
      isChunked && version === '1.1'
        ? ['transfer-encoding', 'chunked']
        : ['content-length', String(body.length)];
    const framed =
      length[0] === 'content-length' ? body : `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    // The later of two counts.
    const all = new Map([...(isHandshake ? good : []), ...headers, ...(body === '' ? [] : [length])]);
    const lines = Array.from(all, ([name, value]) => `${name}: ${value}\r\n`);
    const host = all.has('host') ? '' : 'host: 127.0.0.1\r\n';
    const bytes = Buffer.from(
      `${method} ${path} HTTP/${version}\r\n${host}${lines.join('')}\r\n${body === '' ? '' : framed}`,
      'latin1',
    );
    const places = [
      0,
      ...cuts.filter((cut) => cut > 0 && cut < bytes.length).toSorted((a, b) => a - b),
      bytes.length,
    ];
    const pieces = places.slice(1).map((end, i) => bytes.subarray(places[i], end));
    return { method, pieces };
  });
const anyConnection = fc.record({
  isOps: weighted([3, fc.constant(false)], [1, fc.constant(true)]),
  isPipelined: fc.boolean(),
  requests: fc.array(anyRequest, { minLength: 1, maxLength: 3 }),
});

test('every connection is answered or served', async () => {
  const { url, opsUrl } = attacked.carillon;
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyConnection, { minLength: AT_ONCE, maxLength: AT_ONCE }),
      async (connections) => {
        await Promise.all(
          connections.map(async ({ isOps, isPipelined, requests }) => {
            tried(requests.length);
            const { answers, end, isUpgraded } = await exchange(isOps ? opsUrl : url, requests, {
              isPipelined,
            });
            // One may end the connection for the requests behind it.
            const isAnswered =
              isUpgraded || answers.length === requests.length || (end !== undefined && answers.length > 0);
            expect(
              isAnswered,
              `${answers.length} answers, ${end}: ${JSON.stringify(requests.map(({ pieces }) => pieces.map(String)))}`,
            ).toBe(true);
            expect(end).not.toBe('reset');
            for (const { status } of answers) expect(status).toBeLessThan(500);
          }),
        );
      },
    ),
    { numRuns: ROUNDS, endOnFailure: true },
  );
}, 180_000);

test('nothing of it is left, and the process ends in order', async () => {
  await attacked.stillHears();
  await until(
    'the connections to be gone',
    30_000,
    async () => (await socketsOf(attacked.carillon)) <= before + KEPT,
  );
  await attacked.isAsItWas();
  expect(await attacked.carillon.stop()).toBe(0);
});
