/** Pages of other origins: what a browser would send for them, as bytes, is refused in writing at every path and step. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { connectClient, type TestClient } from '../../../support/client.ts';
import { sendRaw } from '../../../support/raw-http.ts';
import { openRawSocket } from '../../../support/raw-socket.ts';
import { scrape, sumOf } from '../../../support/scrape.ts';

const APP = 'https://app.example';
const EVIL = 'https://evil.example';
const POLLING = '/socket.io/?EIO=4&transport=polling';

let carillon: CarillonProcess;
let clients: TestClient[] = [];
beforeAll(async () => {
  carillon = await startCarillon({ JWT_SECRET, ALLOWED_ORIGINS: APP, CONNECTIONS_PER_USER: '1000' });
});
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});
afterAll(() => carillon.stop());

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly url?: string;
}

/** As bytes: fetch sets Host and Origin by itself. */
async function send(
  path: string,
  { method = 'GET', headers = {}, body = '', url = carillon.url }: Sent = {},
) {
  const all = {
    host: new URL(url).host,
    ...(method === 'GET' ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const [answer] = await sendRaw(url, `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
  if (answer === undefined) throw new Error(`no answer to ${method} ${path}`);
  return answer;
}

const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

const coded = (status: number, code: string) => ({
  status,
  contentType: expect.stringMatching(/^application\/problem\+json/),
  body: expect.stringContaining(`"code":"${code}"`),
});

/** A session that polls and has shown its token, begun with these headers. */
async function beginPolling(headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const { body } = await send(POLLING, { headers });
  const { sid }: { readonly sid: string } = JSON.parse(body.slice(body.indexOf('{')));
  const path = `${POLLING}&sid=${sid}`;
  const token = await tokenFor('ada');
  const login = await send(path, { method: 'POST', headers, body: `40${JSON.stringify({ token })}` });
  expect(login.status).toBe(200);
  return path;
}

describe('JSONP', () => {
  test.for(['&j=0', '&j=', '&j', '&%6a=0', '&j=0&j=1', '&j=0&t=x', '&J=1&j=%30'])(
    'is refused however it is asked for: %s',
    async (parameter) => {
      expect(await send(`${POLLING}${parameter}`)).toMatchObject(coded(400, 'jsonp'));
      const path = await beginPolling();
      expect(await send(`${path}${parameter}`)).toMatchObject(coded(400, 'jsonp'));
      const posted = { method: 'POST', body: 'd=2', headers: { 'content-type': 'text/plain' } };
      expect(await send(`${path}${parameter}`, posted)).toMatchObject(coded(400, 'jsonp'));
      const webSocket = `/socket.io/?EIO=4&transport=websocket${parameter}`;
      expect(await send(webSocket, { headers: UPGRADE })).toMatchObject(coded(400, 'jsonp'));
      // The session that was asked for so has not suffered.
      expect((await send(path)).body).toContain('40{"sid":');
    },
  );

  test('other parameters that only look alike are not', async () => {
    for (const parameter of ['&jj=1', '&t=j', '&xj=0']) {
      expect((await send(`${POLLING}${parameter}`)).status).toBe(200);
    }
  });
});

describe('a session that polls', () => {
  test.for<[string, Record<string, string>, Record<string, string>, number]>([
    ['of a program', {}, {}, 200],
    ['of a page of the own host, which names its origin later', {}, { origin: 'own' }, 200],
    ['of a page behind a proxy that renames the host', {}, { origin: APP }, 200],
    ['of an allowed page', { origin: APP }, { origin: APP }, 200],
    ['of a page of the own host', { origin: 'own' }, { origin: 'own', 'sec-fetch-site': 'same-origin' }, 200],
    ['of a program, by a foreign page', {}, { origin: EVIL }, 403],
    ['of a program, by a page without an origin of its own', {}, { origin: 'null' }, 403],
    ['of a page, by a foreign script', {}, { 'sec-fetch-site': 'cross-site' }, 403],
    ['of a page, by a script of a neighbour', {}, { 'sec-fetch-site': 'same-site' }, 403],
    ['of an allowed page, by a foreign page', { origin: APP }, { origin: EVIL }, 403],
    ['of an allowed page, by a page of the own host', { origin: APP }, { origin: 'own' }, 403],
    ['of a page of the own host, by an allowed page', { origin: 'own' }, { origin: APP }, 403],
    ['of an allowed page, without any', { origin: APP }, {}, 403],
  ])('%s', async ([, first, later, status]) => {
    const own = (headers: Record<string, string>) =>
      headers.origin === 'own' ? { ...headers, origin: carillon.url } : headers;
    const path = await beginPolling(own(first));
    const polled = await send(path, { headers: own(later) });
    expect(polled.status).toBe(status);
    const form = { 'content-type': 'text/plain', ...own(later) };
    const posted = await send(path, { method: 'POST', headers: form, body: '421["ping",{}]' });
    expect(posted.status).toBe(status);
    const upgrade = path.replace('polling', 'websocket');
    if (status !== 200) {
      for (const answer of [
        polled,
        posted,
        await send(upgrade, { headers: { ...UPGRADE, ...own(later) } }),
      ]) {
        expect(answer.contentType).toBe('application/problem+json');
        expect(answer.body).not.toContain('"user":');
      }
      // Whose it is goes on with it.
      expect((await send(path, { headers: own(first) })).body).toContain('40{"sid":');
    } else {
      const socket = await openRawSocket(carillon.url, upgrade, own(later).origin);
      socket.send('2probe');
      expect(await socket.heard('3probe')).toBe(true);
      socket.close();
    }
  });

  test('polls and becomes a WebSocket in a client that does nothing wrong', async () => {
    for (const headers of [{}, { origin: APP }]) {
      const client = connectClient(carillon.url, await tokenFor('ada'), {
        transports: ['polling', 'websocket'],
        headers,
      });
      clients.push(client);
      await client.session();
      await expect.poll(() => client.socket.io.engine.transport.name).toBe('websocket');
      expect(await client.ask('ping', { seq: 1 })).toMatchObject({ seq: 1 });
    }
  });
});

test('a session that is a WebSocket is not taken over by another one that knows its id', async () => {
  const socket = await openRawSocket(carillon.url);
  await socket.heard('0{"sid":');
  const { sid }: { readonly sid: string } = JSON.parse(socket.received[0]?.slice(1) ?? '');
  const path = `/socket.io/?EIO=4&transport=websocket&sid=${sid}`;
  expect(await send(path, { headers: UPGRADE })).toMatchObject(coded(400, 'foreign_session'));
  socket.send(`40${JSON.stringify({ token: await tokenFor('ada') })}`);
  expect(await socket.heard('42["session"')).toBe(true);
  socket.close();
});

test('what is refused is logged and counted with its code', async () => {
  const labels = { outcome: 'refused', code: 'jsonp' };
  const refused = async () => sumOf(await scrape(carillon), 'carillon_connections_total', labels) ?? 0;
  const before = await refused();
  await send(`${POLLING}&j=0`);
  await expect.poll(refused).toBe(before + 1);
  await expect
    .poll(
      () =>
        carillon.output.filter((line) => line.includes('connection refused') && line.includes('"jsonp"'))
          .length,
    )
    .toBeGreaterThan(0);
});

describe('embedded mode answers to this machine alone:', () => {
  const paths = [
    '/',
    '/console/about',
    '/console/live',
    '/demo/token?user=ada',
    '/demo/signals',
    '/docs',
    '/health/ready',
    '/v1/inbox',
    '/nowhere',
    '/socket.io/socket.io.esm.min.js',
    POLLING,
  ];
  const opsPaths = [
    '/health/live',
    '/metrics',
    '/admin/dead-letters',
    '/admin/users/ada/sessions',
    '/nowhere',
  ];
  const both = [
    ...paths.map((path) => ['url', path] as const),
    ...opsPaths.map((path) => ['opsUrl', path] as const),
  ];

  test.for(both)('%s %s for a page that was rebound', async ([port, path]) => {
    const url = carillon[port];
    const host = `evil.example:${new URL(url).port}`;
    for (const origin of [{}, { origin: `http://${host}` }]) {
      expect(await send(path, { url, headers: { host, ...origin } })).toMatchObject(
        coded(421, 'misdirected'),
      );
    }
    // The files of Socket.IO's client are the same everywhere.
    if (path.endsWith('.js')) return;
    expect(await send(path, { url, headers: { origin: EVIL } })).toMatchObject(coded(403, 'origin'));
    expect(await send(path, { url, headers: { origin: 'null' } })).toMatchObject(coded(403, 'origin'));
  });

  test.for(['POST', 'PUT', 'DELETE', 'OPTIONS'])('%s', async (method) => {
    const headers = { host: 'evil.example' };
    for (const path of ['/console/events', '/console/tokens', '/v1/events', POLLING]) {
      expect((await send(path, { method, headers })).status).toBe(421);
    }
  });

  test('a WebSocket', async () => {
    const path = '/socket.io/?EIO=4&transport=websocket';
    const headers = { ...UPGRADE, host: 'evil.example', origin: 'http://evil.example' };
    expect(await send(path, { headers })).toMatchObject(coded(421, 'misdirected'));
    expect(await send(path, { headers: { ...UPGRADE, origin: EVIL } })).toMatchObject(coded(403, 'origin'));
  });

  test.for(['localhost', '127.0.0.1', '127.0.0.9', '[::1]'])('which is also called %s', async (name) => {
    const host = `${name}:${new URL(carillon.url).port}`;
    const page = { host, origin: `http://${host}` };
    expect((await send('/demo/token?user=ada', { headers: page })).status).toBe(200);
    expect((await send(POLLING, { headers: page })).status).toBe(200);
    expect((await send('/metrics', { url: carillon.opsUrl, headers: { host: name } })).status).toBe(200);
  });
});
