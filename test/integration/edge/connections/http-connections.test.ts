/** Plain HTTP connections that nobody needs: others get in, refusals are written, and operators are answered. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import {
  type CarillonProcess,
  isReady,
  JWT_SECRET,
  startCarillon,
  tokenFor,
} from '../../../support/carillon.ts';
import { connectClient, refusalOf } from '../../../support/client.ts';
import { scrape, sumOf } from '../../../support/scrape.ts';
import { until } from '../../../support/until.ts';

const TIMEOUT_MS = 20_000;
const ASK = 'GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
/** An answer that never ends: its connection is in use. */
const LISTEN = 'GET /demo/signals HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

let open: Connection[] = [];
afterEach(() => {
  for (const { socket } of open) socket.destroy();
  open = [];
});

interface Connection {
  readonly socket: Socket;
  received: string;
  isClosed: boolean;
}

async function openConnection(url: string, request = ASK): Promise<Connection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const connection: Connection = { socket, received: '', isClosed: false };
  open.push(connection);
  socket.on('data', (bytes) => {
    connection.received += bytes.toString('latin1');
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    connection.isClosed = true;
  });
  await once(socket, 'connect');
  socket.write(request);
  return connection;
}

/** Its answer, or that it was closed without one. */
async function answerOf(connection: Connection): Promise<string> {
  await until('an answer', TIMEOUT_MS, () => connection.isClosed || connection.received.includes('\r\n\r\n'));
  return connection.received;
}

async function start(environment: Record<string, string>, openFiles?: number): Promise<CarillonProcess> {
  const carillon = await startCarillon({ JWT_SECRET, ...environment }, openFiles);
  onTestFinished(async () => void (await carillon.stop()));
  return carillon;
}

async function connects({ url }: CarillonProcess): Promise<boolean> {
  const client = connectClient(url, await tokenFor('ada'));
  try {
    const refused = refusalOf(client).then(() => false);
    return await Promise.race([client.session().then(({ user }) => user === 'ada'), refused]);
  } finally {
    client.close();
  }
}

describe('with few descriptors', () => {
  test('hundreds of idle connections keep nobody out, on either port', async () => {
    const carillon = await start({}, 256);
    for (let i = 0; i < 300; i += 1) await answerOf(await openConnection(carillon.url));
    expect(await connects(carillon)).toBe(true);
    await expect.poll(() => isReady(carillon)).toBe(true);
    expect(carillon.output.join('\n')).toContain('may open fewer files than CONNECTIONS_PER_NODE needs');
  });

  test('hundreds of connections that are in use leave the port of operators alone, and are refused in writing', async () => {
    const carillon = await start({}, 256);
    const all = [];
    for (let i = 0; i < 300; i += 1) {
      const connection = await openConnection(carillon.url, LISTEN);
      await answerOf(connection);
      all.push(connection);
    }
    expect((await fetch(`${carillon.opsUrl}/health/live`)).status).toBe(200);
    expect(
      sumOf(await scrape(carillon), 'carillon_connections_total', { code: 'full_node' }),
    ).toBeGreaterThan(100);
    const refused = await answerOf(await openConnection(carillon.url));
    expect(refused).toMatch(/^HTTP\/1\.1 503 .*"code":"full_node"/s);
    expect(refused).toMatch(/^retry-after: \d+\r$/im);
    for (const { socket } of all) socket.destroy();
    await until('room again', TIMEOUT_MS, async () =>
      (await answerOf(await openConnection(carillon.url))).startsWith('HTTP/1.1 200'),
    );
    await until('room for a session', TIMEOUT_MS, () => connects(carillon));
  });

  test('hundreds of connections to the port of operators do not keep it from answering', async () => {
    const carillon = await start({}, 256);
    for (let i = 0; i < 300; i += 1) await answerOf(await openConnection(carillon.opsUrl));
    await expect.poll(() => isReady(carillon)).toBe(true);
    expect(await connects(carillon)).toBe(true);
  });
});

describe('of one address', () => {
  test('more than are allowed in use are refused in writing, HTTP and WebSockets together', async () => {
    const carillon = await start({ CONNECTIONS_PER_ADDRESS: '2' });
    const client = connectClient(carillon.url, await tokenFor('ada'));
    await client.session();
    await answerOf(await openConnection(carillon.url, LISTEN));
    expect(await answerOf(await openConnection(carillon.url))).toMatch(/^HTTP\/1\.1 429 /);
    client.close();
    await until('room again', TIMEOUT_MS, async () =>
      (await answerOf(await openConnection(carillon.url))).startsWith('HTTP/1.1 200'),
    );
  });

  test('of a proxy they are not, for they are those of many clients', async () => {
    const carillon = await start({ CONNECTIONS_PER_ADDRESS: '2', TRUST_PROXY: 'loopback' });
    for (let i = 0; i < 5; i += 1) await answerOf(await openConnection(carillon.url, LISTEN));
    expect(await answerOf(await openConnection(carillon.url))).toMatch(/^HTTP\/1\.1 200 /);
  });
});

test('the log names the same client of a refused request and of a refused socket', async () => {
  const carillon = await start({ TRUST_PROXY: 'loopback' });
  const headers = { 'x-forwarded-for': '[2001:DB8::7]:4711' };
  await fetch(`${carillon.url}/v1/inbox`, { headers });
  const client = connectClient(carillon.url, 'no token', { headers });
  const addressesOf = (message: string) =>
    carillon.output
      .filter((line) => line.includes(message))
      .map((line) => /"address":"([^"]*)"/.exec(line)?.[1]);
  await expect.poll(() => addressesOf('request refused'), { timeout: TIMEOUT_MS }).toEqual(['2001:db8::7']);
  await expect
    .poll(() => addressesOf('connection refused'), { timeout: TIMEOUT_MS })
    .toEqual(['2001:db8::7']);
  client.close();
});
