/** That the tests would notice: servers that say what the contracts do not, and what is found then. */
import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import { Server } from 'socket.io';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connect } from '../../src/clients/client/connect.ts';
import { connectClient } from '../support/client.ts';
import { takeFindings } from '../support/contracts/findings.ts';
import { checkSignal, framesOf, watchServer } from '../support/contracts/watch.ts';
import { sendRaw } from '../support/raw-http.ts';
import { until } from '../support/until.ts';

const NOTIFICATION = {
  id: '1',
  source: '/test',
  type: 'test',
  time: '2026-11-20T09:00:00Z',
  audience: 'user:ada',
  epoch: 'a',
  offset: 1,
  severity: 'info',
  data: { anything: [1] },
};
const SESSION = {
  session: 's',
  user: 'ada',
  departments: [],
  audiences: { 'user:ada': { epoch: 'a', head: 0 } },
  unseen: 0,
  expiresAt: '2026-11-20T09:00:00Z',
  serverTime: '2026-11-20T09:00:00Z',
};

let http: HttpServer;
let url: string;

beforeEach(async () => {
  http = createServer();
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = http.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  await watchServer(url);
});
afterEach(() => {
  http.closeAllConnections();
  http.close();
});

/** The server answers every request like this. */
function answer(status: number, body: unknown, type: string): void {
  http.removeAllListeners('request');
  const text = JSON.stringify(body);
  const length = status === 204 ? {} : { 'content-length': text.length };
  http.on('request', (_request, response) =>
    response.writeHead(status, { 'content-type': type, ...length }).end(text),
  );
}

const problem = (code: string, status: number) => ({
  type: `urn:${code}`,
  title: '',
  status,
  detail: '',
  code,
});

test.for<[string, number, unknown, string, string | undefined]>([
  ['/health/live', 200, { status: 'alive' }, 'application/json', undefined],
  [
    '/health/live',
    200,
    { status: 'alive', more: 1 },
    'application/json',
    'has the undocumented field "more"',
  ],
  ['/health/live', 200, { status: 'asleep' }, 'application/json', '/status must be equal to one of'],
  ['/health/live', 204, {}, 'application/json', 'this status is not in the document'],
  [
    '/health/live',
    200,
    { status: 'alive' },
    'text/plain',
    'the content type "text/plain" is not in the document',
  ],
  ['/health/dead', 200, {}, 'application/json', 'this path and method are not in the document'],
  [
    '/v1/inbox',
    401,
    problem('unauthorized', 401),
    'application/problem+json',
    '401 without WWW-Authenticate',
  ],
  ['/v1/inbox', 400, problem('bad_request', 400), 'application/problem+json', undefined],
  [
    '/v1/inbox',
    400,
    problem('not_json', 400),
    'application/problem+json',
    'the code "not_json" is not in the document',
  ],
  ['/v1/inbox', 404, problem('forbidden', 404), 'application/problem+json', 'the code "forbidden"'],
  ['/v1/inbox', 418, { message: 'no' }, 'application/json', 'an error that is no application/problem+json'],
  [
    '/v1/inbox',
    400,
    { message: 'no' },
    'application/json',
    'the content type "application/json" is not in the document',
  ],
])('%s answers %i %j', async ([path, status, body, type, finding]) => {
  answer(status, status === 204 ? '' : body, type);
  await (await fetch(`${url}${path}`)).text();
  const found = await takeFindings();
  if (finding === undefined) expect(found).toEqual([]);
  else expect(found.join('\n')).toContain(`openapi.yaml: GET ${path} ${status}: `);
  expect(found.join('\n')).toContain(finding ?? '');

  await sendRaw(url, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  expect((await takeFindings()).length).toBe(found.length);
});

test.for<[string, unknown, readonly string[]]>([
  ['notification', NOTIFICATION, []],
  [
    'notification',
    { ...NOTIFICATION, colour: 'red' },
    ['asyncapi.yaml: event notification: / has the undocumented field "colour"'],
  ],
  [
    'notification',
    { ...NOTIFICATION, offset: -1 },
    ['asyncapi.yaml: event notification: /offset must be >= 0'],
  ],
  ['news', {}, ['asyncapi.yaml: the event "news" is not in the document']],
])('a Socket.IO client is told %s %j', async ([name, payload, findings]) => {
  const io = new Server(http);
  io.on('connection', (socket) => socket.emit(name, payload));
  const client = connectClient(url, 'x');
  await until('the event', 20_000, () => client.names.length > 0);
  client.close();
  expect(await takeFindings()).toEqual(findings);
  await io.close();
});

test('answers, and what carillon-client asks', async () => {
  const io = new Server(http);
  const asked: string[] = [];
  io.on('connection', (socket) => {
    socket.emit('session', SESSION);
    socket.onAny((name: string, _body: unknown, acknowledge: (answer: unknown) => void) => {
      asked.push(name);
      acknowledge({ audience: 'topic:news', epoch: 'a', head: 0, wrong: true });
    });
  });
  const client = connect({ url, token: () => `e30.${btoa('{"sub":"ada"}')}.x` });
  client.subscribe('news');
  await until('the request', 20_000, () => asked.includes('subscribe'));
  await until('its answer', 20_000, async () =>
    (await takeFindings()).join().includes('answer to subscribe'),
  );
  client.close();
  await io.close();
});

test('raw packets, and signals', async () => {
  const frames = framesOf(url, true);
  frames?.came(`42["notification",${JSON.stringify(NOTIFICATION)}]`);
  frames?.came('44{"message":"unauthorized","data":{"code":"unauthorized"}}');
  frames?.sent('427["ping",{}]');
  frames?.came('437[{"serverTime":"2026-11-20T09:00:00Z"}]');
  expect(await takeFindings()).toEqual([]);
  frames?.came('44{"message":"no","data":{"code":"no"}}');
  frames?.asks('subscribe', { subject: 'news' }, undefined);
  frames?.asks('guess', {}, undefined);
  await checkSignal('{"type":"carillon.client.vanished"}');
  const found = await takeFindings();
  expect(found).toContain('asyncapi.yaml: the signal "carillon.client.vanished" is not in the document');
  expect(found).toContain('asyncapi.yaml: a client asks for "guess", which is not in the document');
  expect(found.join()).toContain('request subscribe: ');
  expect(found.join()).toContain('connect_error: ');
});
