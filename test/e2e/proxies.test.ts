/**
 * Two gateways behind nginx and HAProxy, configured as in deploy/. What a gateway refuses of one client takes nothing
 * from the others, and while a gateway goes down nobody meets a failure that the proxy could have spared them.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../support/carillon.ts';
import { LightClient } from '../support/light-client.ts';
import { madeEvent } from '../support/producer.ts';
import { proxies, type RunningProxy } from '../support/proxies.ts';
import { sendRaw } from '../support/raw-http.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { askForWebSocket, type Outcome, pollSession, send, WEB_SOCKET_HEADERS } from '../support/requests.ts';
import { freshVhost } from '../support/servers.ts';
import { until } from '../support/until.ts';

/** Of clients. Which gateway is asked by those that poll follows from it; of six, some come to either. */
const ADDRESSES = Array.from({ length: 6 }, (_, i) => `127.0.0.${i + 2}`);
/** Connected to the gateway that goes down. They are sent away one in 50 ms. */
const CONNECTED = 40;

// They ask until they have asked often.
vi.setConfig({ testTimeout: 120_000 });

let redis: RedisServer;
let environment: Record<string, string>;
let consumer: CarillonProcess;
let [user, producer] = ['', ''];

beforeAll(async () => {
  const [amqpUrl, started] = await Promise.all([freshVhost(), startRedis()]);
  redis = started;
  environment = {
    AMQP_URL: amqpUrl,
    REDIS_URL: redis.url,
    JWT_SECRET,
    TRUST_PROXY: 'loopback',
    CONNECTIONS_PER_ADDRESS: '10000',
    // On a slow machine a session by polling takes its time.
    HANDSHAKE_SECONDS: '20',
    CONNECTIONS_PER_USER: '10000',
    HTTP_EVENTS_PER_SECOND: '10000',
  };
  consumer = await startCarillon({ ...environment, ROLES: 'consumer' });
  [user, producer] = await Promise.all([tokenFor('ada'), tokenFor('orders', { scope: 'events:write' })]);
});
afterAll(async () => {
  await consumer.stop();
  await redis.stop();
});

const readInbox = (url: string) => send(`${url}/v1/inbox`, { headers: { authorization: `Bearer ${user}` } });

let published = 0;
async function publish(url: string, headers: Record<string, string> = {}): Promise<Outcome> {
  published += 1;
  return await send(`${url}/v1/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${producer}`,
      'content-type': 'application/cloudevents+json',
      ...headers,
    },
    body: JSON.stringify(madeEvent(`${published}`, { audience: 'user:bob' })),
  });
}

/** How often everybody asks at least. */
const OFTEN = 100;

/**
 * What clients of these kinds meet, over and over, until they are stopped and have asked often. What is not as it should
 * be is returned.
 */
function keepAsking(
  kinds: Readonly<Record<string, (address: string) => Promise<string | undefined>>>,
): () => Promise<readonly string[]> {
  const faults: string[] = [];
  let asked = 0;
  let isAsking = true;
  const asking = Object.entries(kinds).flatMap(([name, ask]) =>
    ADDRESSES.map(async (address) => {
      while (isAsking) {
        asked += 1;
        const fault = await ask(address);
        if (fault !== undefined) faults.push(`${name}: ${fault}`);
      }
    }),
  );
  return async () => {
    await until('everybody to have asked often', 60_000, () => asked > OFTEN);
    isAsking = false;
    await Promise.all(asking);
    return faults;
  };
}

const unless = (expected: number, { status, body }: Outcome) =>
  status === expected ? undefined : `${status} ${body.slice(0, 200)}`;

describe.each(Object.entries(proxies))('%s', (_name, startProxy) => {
  let gateways: CarillonProcess[];
  let proxy: RunningProxy;

  beforeAll(async () => {
    const start = () => startCarillon({ ...environment, ROLES: 'gateway', DRAIN_SECONDS: '5' });
    gateways = await Promise.all([start(), start()]);
    proxy = await startProxy(gateways);
    // HAProxy takes nobody for ready before its checks.
    await until(
      'the proxy to reach the gateways',
      20_000,
      async () => (await readInbox(proxy.url)).status === 200,
    );
  });
  afterAll(async () => {
    await proxy.stop();
    await Promise.all(gateways.map((gateway) => gateway.stop()));
  });

  const good = () => ({
    websocket: async (address: string) => unless(101, await askForWebSocket(proxy.url, address)),
    polling: async (address: string) =>
      unless(200, await send(`${proxy.url}/socket.io/?EIO=4&transport=polling`, { localAddress: address })),
    inbox: async () => unless(200, await readInbox(proxy.url)),
    events: async () => unless(202, await publish(proxy.url)),
  });

  const WEB_SOCKET =
    'Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  const refused: readonly (readonly [string, string, string])[] = [
    ['GET', '/socket.io/?EIO=3&transport=websocket', WEB_SOCKET],
    ['GET', '/socket.io/?transport=websocket', WEB_SOCKET],
    ['GET', '/socket.io/?EIO=abc&transport=websocket', WEB_SOCKET],
    ['GET', '/socket.io/?EIO=5&transport=websocket', WEB_SOCKET],
    ['GET', '/socket.io/?EIO=4&transport=polling', WEB_SOCKET],
    ['GET', '/socket.io/?EIO=4&transport=websocket&sid=nobody', WEB_SOCKET],
    ['PUT', '/socket.io/?EIO=4&transport=websocket', WEB_SOCKET],
    ['HEAD', '/socket.io/?EIO=4&transport=websocket', WEB_SOCKET],
    ['DELETE', '/socket.io/?EIO=4&transport=websocket', WEB_SOCKET],
    ['GET', '/socket.io/?EIO=4&transport=websocket', WEB_SOCKET.replace('13', '7')],
    ['GET', '/socket.io/?EIO=4&transport=websocket', WEB_SOCKET.replace('dGhl', '!')],
    ['GET', '/socket.io/?EIO=4&transport=websocket', `${WEB_SOCKET}Sec-WebSocket-Protocol: ,,\r\n`],
    ['GET', '/socket.io/?EIO=4&transport=websocket', `${WEB_SOCKET}Sec-WebSocket-Extensions: ;;\r\n`],
    ['GET', '/socket.io/?EIO=4&transport=websocket', `${WEB_SOCKET}Origin: https://evil.example\r\n`],
    ['GET', '/socket.io/?EIO=4&transport=websocket', WEB_SOCKET.replace('websocket', 'h2c')],
    ['GET', '/v1/inbox', WEB_SOCKET],
    ['GET', '/v1/nowhere', WEB_SOCKET],
  ];

  test('what is refused of some takes nothing from the others', async () => {
    const stop = keepAsking(good());
    const statuses = new Map<string, Set<number>>();
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(
        refused.map(async ([method, path, headers]) => {
          const [answer] = await sendRaw(proxy.url, `${method} ${path} HTTP/1.1\r\n${headers}\r\n`);
          const name = `${method} ${path} ${headers}`;
          statuses.set(name, (statuses.get(name) ?? new Set()).add(answer?.status ?? 0));
        }),
      );
    }
    // nginx and HAProxy refuse some by themselves.
    for (const [name, found] of statuses) {
      for (const status of found) expect([400, 401, 403, 404, 405, 426], name).toContain(status);
    }
    expect(await stop()).toEqual([]);
  });

  test('a client that asks for h2c, as Java does, is served', async () => {
    const headers = {
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAEAAEAAAAIAAAAB',
    };
    for (const { url } of [proxy, ...gateways]) {
      expect(await publish(url, headers)).toMatchObject({ status: 202 });
      expect(
        await send(`${url}/v1/inbox`, { headers: { ...headers, authorization: `Bearer ${user}` } }),
      ).toMatchObject({ status: 200 });
      expect(await send(`${url}/socket.io/?EIO=4&transport=polling`, { headers })).toMatchObject({
        status: 200,
      });
    }
  });

  test('while a gateway goes down nobody is turned away', async () => {
    const [gateway] = gateways;
    if (gateway === undefined) throw new Error('no gateway');
    const clients = await Promise.all(
      Array.from(
        { length: CONNECTED },
        async (_, i) => new LightClient([gateway.url], await tokenFor(`c-${i}`)),
      ),
    );
    await until('all sessions', 60_000, () => clients.every(({ isConnected }) => isConnected));
    let isLeaving = false;
    const stop = keepAsking({
      ...good(),
      // Who begins before the gateway goes may be in the middle when it does.
      session: async (address) => {
        const isLate = isLeaving;
        const outcomes = await pollSession(proxy.url, user, address);
        return isLate ? unless(200, outcomes.at(-1) ?? { status: 0, body: '' }) : undefined;
      },
    });
    gateway.signal('SIGTERM');
    await until('the gateway to be stopping', 20_000, () =>
      gateway.output.some((line) => line.includes('"stopping"')),
    );
    isLeaving = true;
    expect(await gateway.exited).toBe(0);
    // The proxy has not noticed yet.
    for (let i = 0; i < 20; i += 1) expect(await readInbox(proxy.url)).toMatchObject({ status: 200 });
    const faults = await stop();
    for (const client of clients) client.close();
    expect(faults).toEqual([]);
  });
});

describe.each(Object.entries(proxies))('%s, whatever a gateway does', (_name, startProxy) => {
  /** Stands for a gateway with a fault that nobody knows of yet: one request is closed without an answer. */
  async function startFaulty() {
    const server = createServer((request, response) => {
      if (request.url === '/v1/fatal') request.socket.destroy();
      else response.end(request.headers.upgrade ?? 'no upgrade');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    return { url, opsUrl: url };
  }

  test('asks it for no upgrade but a WebSocket, and takes it out of service for no request', async () => {
    const proxy = await startProxy([await startFaulty(), await startFaulty()]);
    onTestFinished(() => proxy.stop());
    const asked = (path = '/v1/inbox', upgrade = '') =>
      send(`${proxy.url}${path}`, { headers: upgrade === '' ? {} : { ...WEB_SOCKET_HEADERS, upgrade } });
    await until('the proxy to reach them', 20_000, async () => (await asked()).status === 200);
    for (const path of ['/v1/inbox', '/socket.io/']) {
      expect(await asked(path, 'h2c')).toEqual({ status: 200, body: 'no upgrade' });
    }
    expect(await asked('/v1/inbox', 'websocket')).toEqual({ status: 200, body: 'no upgrade' });
    expect(await asked('/socket.io/', 'websocket')).toEqual({ status: 200, body: 'websocket' });
    for (let i = 0; i < 10; i += 1) {
      expect(await asked('/v1/fatal')).toMatchObject({ status: 502 });
      expect(await asked()).toMatchObject({ status: 200 });
    }
  });
});
