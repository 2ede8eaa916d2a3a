/**
 * Connections that are refused before anybody knows whose they are: each gets a written answer with a stable code, and
 * time to read it. A connection that closes without a byte looks to a proxy like a gateway that has died.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { connectClient } from '../../../support/client.ts';
import { LightClient } from '../../../support/light-client.ts';
import { exchange } from '../../../support/raw-http.ts';
import { WEB_SOCKET_HEADERS } from '../../../support/requests.ts';
import { until } from '../../../support/until.ts';

const WEB_SOCKET = { host: '127.0.0.1', ...WEB_SOCKET_HEADERS };
const QUERY = 'EIO=4&transport=websocket';

const bytesOf = (method: string, query: string, headers: Record<string, string | undefined>, rest = '') => {
  const lines = Object.entries(headers).map(([name, value]) =>
    value === undefined ? '' : `${name}: ${value}\r\n`,
  );
  return `${method} /socket.io/?${query} HTTP/1.1\r\n${lines.join('')}\r\n${rest}`;
};

/** The only answer, and how the connection ended. */
async function refusalOf(url: string, bytes: string) {
  const { answers, end } = await exchange(url, [{ method: bytes.split(' ')[0] ?? '', pieces: [bytes] }]);
  expect(answers).toHaveLength(1);
  const [{ status = 0, head = '', body = '' } = {}] = answers;
  const header = (name: string) => new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1];
  return { status, header, body, end, code: codeIn(body) };
}

function codeIn(body: string): unknown {
  // Of chunks, the text is between the braces.
  const text = /\{.*\}/s.exec(body)?.[0];
  const answer: unknown = text === undefined ? undefined : JSON.parse(text);
  return typeof answer === 'object' && answer !== null && 'code' in answer ? answer.code : undefined;
}

describe('what is wrong with the request', () => {
  let carillon: CarillonProcess;
  beforeAll(async () => {
    carillon = await startCarillon({ JWT_SECRET });
  });
  afterAll(() => carillon.stop());

  test.for<[string, number, unknown, string]>([
    ...['EIO=3&', '', 'EIO=abc&', 'EIO=5&', 'EIO=4&EIO=3&'].map((eio): [string, number, unknown, string] => [
      `an upgrade with ${eio || 'no EIO'}`,
      400,
      'unsupported_protocol',
      bytesOf('GET', `${eio}transport=websocket`, WEB_SOCKET),
    ]),
    [
      'polling with EIO=3',
      400,
      'unsupported_protocol',
      bytesOf('GET', 'EIO=3&transport=polling', { host: '127.0.0.1' }),
    ],
    ...['PUT', 'DELETE', 'PATCH', 'HEAD', 'CONNECT'].map((method): [string, number, unknown, string] => [
      `an upgrade with ${method}`,
      405,
      method === 'HEAD' ? undefined : 'method_not_allowed',
      bytesOf(method, QUERY, WEB_SOCKET),
    ]),
    ['an upgrade with POST', 400, 'bad_handshake', bytesOf('POST', QUERY, WEB_SOCKET)],
    ['an upgrade with OPTIONS', 204, undefined, bytesOf('OPTIONS', QUERY, WEB_SOCKET)],
    [
      'an upgrade with a body',
      400,
      'bad_handshake',
      bytesOf('GET', QUERY, { ...WEB_SOCKET, 'content-length': '3' }, 'abc'),
    ],
    [
      'an upgrade of HTTP/1.0',
      400,
      'bad_handshake',
      bytesOf('GET', QUERY, WEB_SOCKET).replace('HTTP/1.1', 'HTTP/1.0'),
    ],
    ['an upgrade for polling', 400, 'bad_handshake', bytesOf('GET', 'EIO=4&transport=polling', WEB_SOCKET)],
    ['an upgrade for nothing', 400, 'bad_handshake', bytesOf('GET', 'EIO=4', WEB_SOCKET)],
    [
      'no key',
      400,
      'bad_handshake',
      bytesOf('GET', QUERY, { ...WEB_SOCKET, 'sec-websocket-key': undefined }),
    ],
    [
      'a short key',
      400,
      'bad_handshake',
      bytesOf('GET', QUERY, { ...WEB_SOCKET, 'sec-websocket-key': 'AA==' }),
    ],
    [
      'no version',
      426,
      'bad_handshake',
      bytesOf('GET', QUERY, { ...WEB_SOCKET, 'sec-websocket-version': undefined }),
    ],
    [
      'another version',
      426,
      'bad_handshake',
      bytesOf('GET', QUERY, { ...WEB_SOCKET, 'sec-websocket-version': '7' }),
    ],
    [
      'subprotocols that are none',
      400,
      'bad_handshake',
      bytesOf('GET', QUERY, { ...WEB_SOCKET, 'sec-websocket-protocol': ',,' }),
    ],
    [
      'extensions that are none',
      400,
      'bad_handshake',
      bytesOf('GET', QUERY, { ...WEB_SOCKET, 'sec-websocket-extensions': ';;' }),
    ],
    [
      'an upgrade of a session that is not there',
      400,
      'unknown_session',
      bytesOf('GET', `${QUERY}&sid=x`, WEB_SOCKET),
    ],
    [
      'an upgrade of a session called __proto__',
      400,
      'unknown_session',
      bytesOf('GET', `${QUERY}&sid=__proto__`, WEB_SOCKET),
    ],
    [
      'polling a session that is not there',
      400,
      'unknown_session',
      bytesOf('GET', 'EIO=4&transport=polling&sid=x', { host: '127.0.0.1' }),
    ],
    [
      'a page of another origin',
      403,
      'origin',
      bytesOf('GET', QUERY, { ...WEB_SOCKET, origin: 'https://evil.example' }),
    ],
    [
      'polling by a page of another origin',
      403,
      'origin',
      bytesOf('GET', 'EIO=4&transport=polling', { host: '127.0.0.1', origin: 'https://evil.example' }),
    ],
  ])('%s', async ([, status, code, bytes]) => {
    const refusal = await refusalOf(carillon.url, bytes);
    expect(refusal).toMatchObject({ status, code });
    if (typeof code === 'string') {
      expect(refusal.header('connection')).toBe('close');
      expect(refusal.header('content-type')).toBe('application/problem+json');
    }
    if (status === 405) expect(refusal.header('allow')).toBe('GET, POST');
    if (status === 426) expect(refusal.header('sec-websocket-version')).toBe('13');
  });

  test('is counted', async () => {
    const metrics = async () => await (await fetch(`${carillon.opsUrl}/metrics`)).text();
    for (const code of [
      'unsupported_protocol',
      'method_not_allowed',
      'bad_handshake',
      'unknown_session',
      'origin',
    ]) {
      await expect
        .poll(metrics)
        .toMatch(new RegExp(`^carillon_connections_total\\{outcome="refused",code="${code}"\\} [1-9]`, 'm'));
    }
  });

  test('reaches a client that goes on sending and reads late, and the connection ends in order', async () => {
    const { hostname, port } = new URL(carillon.url);
    const stream = connect(Number(port), hostname);
    let failure: Error | undefined;
    stream.on('error', (error) => {
      failure = error;
    });
    await once(stream, 'connect');
    stream.write(bytesOf('GET', 'EIO=3&transport=websocket', WEB_SOCKET));
    for (let i = 0; i < 20; i += 1) await new Promise((sent) => stream.write('x'.repeat(10_000), sent));
    // The refusal has been decided by then.
    await fetch(`${carillon.url}/health/live`);
    let text = '';
    stream.on('data', (chunk: Buffer) => {
      text += chunk;
    });
    await once(stream, 'end');
    expect(text).toMatch(/^HTTP\/1\.1 400 .*unsupported_protocol/s);
    stream.end();
    await once(stream, 'close');
    expect(failure).toBeUndefined();
  });
});

const handshakes = [
  ['WebSocket', bytesOf('GET', QUERY, WEB_SOCKET)],
  ['polling', bytesOf('GET', 'EIO=4&transport=polling', { host: '127.0.0.1' })],
] as const;

test.for([
  ['CONNECTIONS_PER_NODE', 503, 'full_node'],
  ['CONNECTIONS_PER_ADDRESS', 429, 'full_address'],
] as const)('%s: one more is told when to come again', async ([limit, status, code]) => {
  const carillon = await startCarillon({ JWT_SECRET, [limit]: '1' });
  onTestFinished(async () => void (await carillon.stop()));
  const client = connectClient(carillon.url, await tokenFor('ada'));
  onTestFinished(() => client.close());
  await client.session();
  for (const [, bytes] of handshakes) {
    const refusal = await refusalOf(carillon.url, bytes);
    expect(refusal).toMatchObject({ status, code });
    expect(refusal.header('retry-after')).toBe('5');
  }
});

test('a node that goes down says so to everybody who comes, and serves who is there', async () => {
  const carillon = await startCarillon({
    JWT_SECRET,
    DRAIN_SECONDS: '20',
    SHUTDOWN_TIMEOUT: '120',
    HANDSHAKE_SECONDS: '60',
    CONNECTIONS_PER_ADDRESS: '1000',
  });
  // They are sent away one in 50 ms, so that the node takes its time.
  const clients = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => new LightClient([carillon.url], await tokenFor(`c-${i}`))),
  );
  onTestFinished(() => {
    for (const client of clients) client.close();
  });
  await until('all sessions', 60_000, () => clients.every(({ isConnected }) => isConnected));
  const polling = `${carillon.url}/socket.io/?EIO=4&transport=polling`;
  const { sid }: { sid: string } = JSON.parse((await (await fetch(polling)).text()).slice(1));
  carillon.signal('SIGTERM');
  await until('it to be stopping', 20_000, () => carillon.output.some((line) => line.includes('"stopping"')));
  for (const [, bytes] of [
    ...handshakes,
    // A session of another node, to which a proxy may give it.
    ['upgrade', bytesOf('GET', `${QUERY}&sid=x`, WEB_SOCKET)] as const,
    [
      'poll',
      bytesOf('POST', 'EIO=4&transport=polling&sid=x', { host: '127.0.0.1', 'content-length': '1' }, '1'),
    ] as const,
  ]) {
    const refusal = await refusalOf(carillon.url, bytes);
    expect(refusal).toMatchObject({ status: 503, code: 'shutting_down' });
    expect(refusal.header('retry-after')).toBe('5');
    expect(refusal.header('connection')).toBe('close');
  }
  const posted = await fetch(`${polling}&sid=${sid}`, { method: 'POST', body: '1' });
  expect([posted.status, posted.headers.get('connection')]).toEqual([200, 'close']);
  const live = await fetch(`${carillon.url}/health/live`);
  expect([live.status, live.headers.get('connection')]).toEqual([200, 'close']);
  expect(await carillon.exited).toBe(0);
}, 180_000);
