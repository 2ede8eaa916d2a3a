/**
 * Upgrades that nobody here takes: the request is answered as if it had not asked (RFC 9110, section 7.8), on both
 * ports, and its connection does not outlive it.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { madeEvent } from '../../../support/producer.ts';
import { exchange } from '../../../support/raw-http.ts';
import { socketsOf } from '../../../support/server-sockets.ts';
import { until } from '../../../support/until.ts';

const H2C =
  'connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAA\r\n';
const WEB_SOCKET =
  'connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const LEFT = 50;

let carillon: CarillonProcess;
let token: string;
beforeAll(async () => {
  carillon = await startCarillon({ JWT_SECRET });
  token = await tokenFor('ada', { scope: 'events:write' });
});
afterAll(() => carillon.stop());

const ports = () => [carillon.url, carillon.opsUrl];
const get = (path: string, headers: string) => `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers}\r\n`;

async function answersTo(url: string, ...pieces: string[]) {
  const method = pieces[0]?.split(' ')[0] ?? '';
  const { answers, end } = await exchange(url, [{ method, pieces }]);
  return { statuses: answers.map(({ status }) => status), head: answers[0]?.head, end };
}

test('an event is taken, in whatever pieces it comes', async () => {
  const body = JSON.stringify(madeEvent('h2c', { audience: 'user:ada' }));
  const head = `POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\n${H2C}authorization: Bearer ${token}\r\ncontent-type: application/cloudevents+json\r\n`;
  const sized = `${head}content-length: ${body.length}\r\n\r\n`;
  const chunked = `${head}transfer-encoding: chunked\r\n\r\n`;
  const chunk = `${body.length.toString(16)}\r\n${body}\r\n`;
  for (const pieces of [
    [sized + body],
    [sized, body],
    [sized, body.slice(0, 9), body.slice(9)],
    [`${chunked}${chunk}0\r\n\r\n`],
    [chunked, chunk, '0\r\n\r\n'],
  ]) {
    expect(await answersTo(carillon.url, ...pieces)).toMatchObject({ statuses: [202] });
  }
});

test.for<[string, string, number]>([
  ['/health/live', H2C, 200],
  ['/health/live', WEB_SOCKET, 200],
  ['/health/live', H2C.replace('h2c', 'websocket, h2c'), 200],
  ['/nowhere', H2C, 404],
  ['/nowhere', WEB_SOCKET, 404],
  ['/', WEB_SOCKET, 200],
])('GET %s, both ports: %s', async ([path, headers, status]) => {
  for (const url of ports()) {
    if (path === '/' && url === carillon.opsUrl) continue;
    const { statuses, head } = await answersTo(url, get(path, headers));
    expect(statuses).toEqual([status]);
    // Node's parser forgets what came behind it, so there must be nothing behind it.
    expect(head).toMatch(/^connection: close$/im);
  }
});

test('Socket.IO is polled with it, and where there is no Socket.IO a WebSocket is not found', async () => {
  const polling = get('/socket.io/?EIO=4&transport=polling', H2C);
  expect(await answersTo(carillon.url, polling)).toMatchObject({ statuses: [200] });
  const upgrade = get('/socket.io/?EIO=4&transport=websocket', WEB_SOCKET);
  expect((await exchange(carillon.url, [{ method: 'GET', pieces: [upgrade] }])).isUpgraded).toBe(true);
  expect(await answersTo(carillon.opsUrl, upgrade)).toMatchObject({ statuses: [404] });
});

describe('behind a request that is not answered yet', () => {
  const body = JSON.stringify(madeEvent('behind', { audience: 'user:ada' }));
  const event = (framing: string) =>
    `POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\ncontent-type: application/cloudevents+json\r\n${framing}`;
  const upgrade = get('/socket.io/?EIO=4&transport=websocket', WEB_SOCKET);

  test.for<[string, () => string]>([
    ['a WebSocket is not taken', () => upgrade],
    ['one that is refused anyway', () => upgrade.replace('EIO=4', 'EIO=3')],
    ['what is no HTTP', () => 'no HTTP\r\n\r\n'],
    ['a body that cannot be read', () => event('transfer-encoding: chunked\r\n\r\nno chunk\r\n')],
  ])('%s: both are answered, in their order', async ([, behind]) => {
    const request = behind();
    // In one write: what comes after the first is answered is behind nothing.
    const both = `${event(`content-length: ${body.length}\r\n\r\n${body}`)}${request}`;
    const { answers, isUpgraded } = await exchange(
      carillon.url,
      [
        { method: 'POST', pieces: [both] },
        { method: request.split(' ')[0] ?? '', pieces: [] },
      ],
      { isPipelined: true },
    );
    expect(answers.map(({ status }) => status)).toEqual([202, 400]);
    expect(answers[1]?.head).toMatch(/^connection: close$/im);
    expect(isUpgraded).toBe(false);
  });
});

test('CONNECT is answered too', async () => {
  for (const url of ports()) {
    expect(await answersTo(url, 'CONNECT a:80 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n')).toMatchObject({
      statuses: [404],
    });
  }
});

test('whoever has used the connection before does not leave it behind, and the process ends in order', async () => {
  const before = await socketsOf(carillon);
  const left: Socket[] = [];
  for (const url of ports()) {
    const { hostname, port } = new URL(url);
    for (let i = 0; i < LEFT; i += 1) {
      const stream = connect(Number(port), hostname).on('error', () => {});
      left.push(stream);
      stream.write(get('/health/live', ''));
      await once(stream, 'data');
      stream.write(get(i % 2 === 0 ? '/nowhere' : '/health/live', i % 3 === 0 ? WEB_SOCKET : H2C));
      // As a client does that has waited long enough: it ends its side and waits for the other's end.
      stream.resume().end();
    }
  }
  await until('the connections to be gone', 20_000, async () => (await socketsOf(carillon)) <= before);
  expect(await carillon.stop()).toBe(0);
  for (const stream of left) stream.destroy();
});
