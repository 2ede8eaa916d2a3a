/** Every error over HTTP is a problem with a stable code, whoever refuses it: the parser, Node, the router, Engine.IO. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { sendRaw } from '../../../support/raw-http.ts';
import { freshRedis, freshVhost } from '../../../support/servers.ts';

const UPGRADE =
  'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const SOCKET = '/socket.io/?EIO=4&transport';

/** A request, and what it is answered; `headers` besides Host and Connection. */
interface Case {
  readonly asked: string;
  readonly headers?: string;
  readonly bytes?: string;
  readonly status: number;
  readonly code: string;
  readonly allow?: string;
}

const ofParser: readonly Case[] = [
  { asked: 'no HTTP at all', bytes: 'NONSENSE\r\n\r\n', status: 400, code: 'bad_request' },
  {
    asked: 'no Host',
    bytes: 'GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n',
    status: 400,
    code: 'bad_request',
  },
  {
    asked: 'GET /health/live',
    headers: `X: ${'x'.repeat(20_000)}\r\n`,
    status: 431,
    code: 'headers_too_large',
  },
  { asked: `GET /${'x'.repeat(20_000)}`, status: 431, code: 'headers_too_large' },
  { asked: 'GET /health/live', headers: 'Expect: much\r\n', status: 417, code: 'expectation_failed' },
  { asked: 'POST /health/live', headers: 'Transfer-Encoding: gzip\r\n', status: 400, code: 'bad_request' },
  { asked: 'FETCH /health/live', status: 400, code: 'bad_request' },
];

const ofRouter: readonly Case[] = [
  { asked: 'GET /nowhere', status: 404, code: 'not_found' },
  { asked: 'HEAD /nowhere', status: 404, code: '' },
  { asked: 'GET /health/%ff', status: 400, code: 'bad_request' },
  ...['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'].map((method) => ({
    asked: `${method} /health/live`,
    status: 405,
    code: 'method_not_allowed',
    allow: 'GET, HEAD',
  })),
  // Before the body is looked at.
  {
    asked: 'POST /health/ready/',
    headers: 'Content-Type: application/json\r\nContent-Length: 1\r\n',
    status: 405,
    code: 'method_not_allowed',
    allow: 'GET, HEAD',
  },
];

const ofPublicPort: readonly Case[] = [
  { asked: 'GET /v1/events', status: 405, code: 'method_not_allowed', allow: 'POST' },
  { asked: 'HEAD /v1/events', status: 405, code: '', allow: 'POST' },
  { asked: 'DELETE /v1/inbox/marks', status: 405, code: 'method_not_allowed', allow: 'OPTIONS, POST' },
  ...['text/xml', ';;', ''].map((type) => ({
    asked: 'POST /v1/inbox/marks',
    headers: `${type === '' ? '' : `Content-Type: ${type}\r\n`}Content-Length: 2\r\n`,
    status: 415,
    code: 'unsupported_media_type',
  })),
  {
    asked: 'POST /v1/inbox/marks',
    headers: 'Content-Type: application/json\r\nContent-Length: 9000000\r\n',
    status: 413,
    code: 'too_large',
  },
  { asked: `PUT ${SOCKET}=polling`, status: 405, code: 'method_not_allowed', allow: 'GET, POST' },
  { asked: `GET ${SOCKET}=pigeon`, status: 400, code: 'bad_handshake' },
  { asked: `GET ${SOCKET}=websocket`, status: 400, code: 'bad_handshake' },
  { asked: `POST ${SOCKET}=polling`, headers: 'Content-Length: 0\r\n', status: 400, code: 'bad_handshake' },
  { asked: `GET ${SOCKET}=polling&sid=gone`, status: 400, code: 'unknown_session' },
  { asked: 'GET /socket.io/?EIO=3&transport=polling', status: 400, code: 'unsupported_protocol' },
  { asked: 'GET /socket.io/', status: 400, code: 'unsupported_protocol' },
];

const ofOpsPort: readonly Case[] = [
  { asked: 'POST /metrics', status: 405, code: 'method_not_allowed', allow: 'GET, HEAD' },
  { asked: 'GET /admin/users/ada/disconnect', status: 405, code: 'method_not_allowed', allow: 'POST' },
  {
    asked: 'PATCH /admin/users/ada/departments',
    status: 405,
    code: 'method_not_allowed',
    allow: 'DELETE, GET, HEAD, PUT',
  },
];

describe.for(['embedded', 'real'])('%s', (mode) => {
  let carillon: CarillonProcess;
  let token = '';

  beforeAll(async () => {
    const parts =
      mode === 'real'
        ? { AMQP_URL: await freshVhost(), REDIS_URL: await freshRedis(), CANARY_SECONDS: '0' }
        : {};
    carillon = await startCarillon({ JWT_SECRET, ...parts });
    token = await tokenFor('ada');
  });
  afterAll(async () => void (await carillon.stop()));

  const ask = async (url: string, { asked, headers = '', bytes }: Case) => {
    const common = `Host: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n`;
    const [answer] = await sendRaw(url, bytes ?? `${asked} HTTP/1.1\r\n${common}${headers}\r\n`);
    return {
      status: answer?.status,
      type: answer?.contentType.split(';')[0],
      code: answer?.body === '' ? '' : JSON.parse(answer?.body ?? '{}').code,
      allow: /^allow: (.*)$/im.exec(answer?.head ?? '')?.[1],
    };
  };
  const problem = ({ status, code, allow }: Case) => ({
    status,
    type: 'application/problem+json',
    code,
    allow,
  });

  test.for([...ofParser, ...ofRouter, ...ofPublicPort])('PORT: $asked: $code', async (one) => {
    expect(await ask(carillon.url, one)).toEqual(problem(one));
  });

  test.for([...ofParser, ...ofRouter, ...ofOpsPort])('OPS_PORT: $asked: $code', async (one) => {
    expect(await ask(carillon.opsUrl, one)).toEqual(problem(one));
  });

  // However wrong the rest of the request is.
  test.for([
    { asked: `GET ${SOCKET}=polling` },
    { asked: `GET ${SOCKET}=polling&sid=gone` },
    { asked: 'GET /socket.io/?EIO=3&transport=polling' },
    { asked: `GET ${SOCKET}=websocket`, headers: `Connection: Upgrade\r\n${UPGRADE}` },
    { asked: `GET ${SOCKET}=websocket&sid=gone`, headers: `Connection: Upgrade\r\n${UPGRADE}` },
    { asked: `GET ${SOCKET}=websocket`, headers: 'Connection: Upgrade\r\nUpgrade: websocket\r\n' },
    { asked: 'GET /socket.io/?EIO=3&transport=websocket', headers: `Connection: Upgrade\r\n${UPGRADE}` },
  ])('a foreign page is refused alike: $asked', async ({ asked, headers = '' }) => {
    const refused = {
      asked,
      headers: `${headers}Origin: https://evil.example\r\n`,
      status: 403,
      code: 'origin',
    };
    expect(await ask(carillon.url, refused)).toEqual(problem(refused));
  });

  test('two polls at once, and too large a message over polling', async () => {
    const opened = await (await fetch(`${carillon.url}${SOCKET}=polling`)).text();
    const path = `${SOCKET}=polling&sid=${JSON.parse(opened.slice(1)).sid}`;
    const large: Case = {
      asked: `POST ${path}`,
      headers: 'Content-Length: 99999999\r\n',
      status: 413,
      code: 'message_too_large',
    };
    const bytes = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`;
    expect(await ask(carillon.url, { ...large, bytes })).toEqual(problem(large));
  });
});
