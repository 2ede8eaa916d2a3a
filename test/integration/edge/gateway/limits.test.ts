/** What one client may ask of a gateway, and that no other notices when it asks for more. */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { type ClientOptions, connectClient, refusalOf, type TestClient } from '../../../support/client.ts';
import { madeEvent } from '../../../support/producer.ts';
import { until } from '../../../support/until.ts';

let clients: TestClient[] = [];
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});

async function start(limits: Record<string, string>): Promise<CarillonProcess> {
  const carillon = await startCarillon({ JWT_SECRET, ...limits });
  onTestFinished(async () => void (await carillon.stop()));
  return carillon;
}

async function connect(
  { url }: CarillonProcess,
  user: string,
  options: ClientOptions & { readonly claims?: Record<string, unknown> } = {},
): Promise<TestClient> {
  const client = connectClient(url, await tokenFor(user, options.claims), options);
  clients.push(client);
  return client;
}

const closed = (client: TestClient) => new Promise((resolve) => client.socket.once('disconnect', resolve));

async function publish(
  { url }: CarillonProcess,
  audience: string,
  data: object,
  count: number,
): Promise<void> {
  const authorization = `Bearer ${await tokenFor('producer', { scope: 'events:write' })}`;
  for (let i = 0; i < count; i += 1) {
    const response = await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify(madeEvent(`${audience}-${i}`, { audience, data: { ...data } })),
    });
    expect(response.status).toBe(202);
  }
}

describe('messages', () => {
  test.for(['websocket', 'polling'] as const)(
    'more than are allowed close a client over %s, and it is told',
    async (transport) => {
      const carillon = await start({ CLIENT_MESSAGES_BURST: '10', CLIENT_MESSAGES_PER_SECOND: '1' });
      const neighbour = await connect(carillon, 'bob');
      const client = await connect(carillon, 'ada', { transports: [transport] });
      await Promise.all([neighbour.session(), client.session()]);
      const gone = closed(client);
      for (let i = 0; i < 30; i += 1) client.socket.emit('ping', {});
      await gone;
      expect(client.goaways).toEqual([
        { code: 'rate_limited', reconnect: true, retryAfterMs: expect.any(Number) },
      ]);
      expect(await neighbour.ask('ping', { seq: 1 })).toMatchObject({ seq: 1 });
      await expect.poll(() => carillon.output.join()).toContain('"code":"rate_limited"');
    },
  );

  test('are counted before anybody has said who they are', async () => {
    const carillon = await start({ CLIENT_MESSAGES_BURST: '10', CLIENT_MESSAGES_PER_SECOND: '1' });
    const socket = new WebSocket(
      `${carillon.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`,
    );
    await once(socket, 'open');
    const gone = once(socket, 'close');
    for (let i = 0; i < 30; i += 1) socket.send('42["x"]');
    await gone;
    expect(socket.readyState).toBe(WebSocket.CLOSED);
  });

  test('larger than allowed close the client', async () => {
    const carillon = await start({ CLIENT_MESSAGE_MAX_BYTES: '2048' });
    const [neighbour, client] = [await connect(carillon, 'bob'), await connect(carillon, 'ada')];
    await Promise.all([neighbour.session(), client.session()]);
    const gone = closed(client);
    client.socket.emit('ping', { seq: 1, more: 'x'.repeat(3_000) });
    await gone;
    expect(await neighbour.ask('ping', { seq: 1 })).toMatchObject({ seq: 1 });
  });
});

describe('connections', () => {
  const REFUSED = { message: 'too_many_connections', data: { code: 'too_many_connections' } };

  test('of one user: one more is refused, and has room when another has gone', async () => {
    const carillon = await start({ CONNECTIONS_PER_USER: '2' });
    const [first, second] = [await connect(carillon, 'ada'), await connect(carillon, 'ada')];
    await Promise.all([first.session(), second.session()]);
    expect(await refusalOf(await connect(carillon, 'ada'))).toEqual(REFUSED);
    await (await connect(carillon, 'bob')).session();
    first.close();
    await until('a free place', 20_000, async () => {
      const again = await connect(carillon, 'ada');
      return await Promise.race([again.session().then(() => true), refusalOf(again).then(() => false)]);
    });
  });

  test.for([
    ['CONNECTIONS_PER_NODE', {}],
    ['CONNECTIONS_PER_ADDRESS', {}],
  ] as const)('%s: one more is refused', async ([name]) => {
    const carillon = await start({ [name]: '2' });
    await (await connect(carillon, 'ada')).session();
    await (await connect(carillon, 'bob')).session();
    const refused = await refusalOf(await connect(carillon, 'eve'));
    expect(refused.message).toMatch(/websocket error/);
  });

  test('behind a trusted proxy each client has an address of its own; another cannot claim one', async () => {
    const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
    const trusting = await start({ CONNECTIONS_PER_ADDRESS: '1', TRUST_PROXY: 'loopback' });
    await (await connect(trusting, 'ada', from('203.0.113.1'))).session();
    await (await connect(trusting, 'bob', from('203.0.113.2'))).session();
    await refusalOf(await connect(trusting, 'eve', from('198.51.100.7, 203.0.113.1')));
    const careful = await start({ CONNECTIONS_PER_ADDRESS: '1' });
    await (await connect(careful, 'ada', from('203.0.113.1'))).session();
    await refusalOf(await connect(careful, 'bob', from('203.0.113.2')));
  });
});

test('topics: one more than allowed is refused, and has room when one was left', async () => {
  const carillon = await start({ TOPICS_PER_SESSION: '2' });
  const client = await connect(carillon, 'ada', { claims: { topics: ['*'] } });
  await client.session();
  for (const topic of ['a', 'b', 'a']) {
    expect(await client.ask('subscribe', { topic })).toMatchObject({ audience: `topic:${topic}` });
  }
  expect(await client.ask('subscribe', { topic: 'c' })).toMatchObject({ error: { code: 'too_many_topics' } });
  await client.ask('unsubscribe', { topic: 'a' });
  expect(await client.ask('subscribe', { topic: 'c' })).toMatchObject({ audience: 'topic:c' });
});

test('a client that stops reading is cut off, others get everything, and it comes back by its cursor', async () => {
  const carillon = await start({ PENDING_MAX_BYTES: '65536', COMPRESSION_LEVEL: '0', LOG_SAMPLE_RATE: '1' });
  const neighbour = await connect(carillon, 'bob');
  await neighbour.session();
  const stuck = await openRaw(carillon, await tokenFor('ada'));
  stuck.pause();
  // The end may be a reset: nothing of what waits is read.
  stuck.on('error', () => {});
  const gone = new Promise((resolve) => stuck.once('close', resolve));
  // What the system's own buffers of both sides take comes first.
  await publish(carillon, 'global', { body: 'x'.repeat(60_000) }, 150);
  await neighbour.received(150);
  await expect.poll(() => carillon.output.join()).toContain('"code":"slow_consumer"');
  stuck.resume();
  await gone;
  const back = await connect(carillon, 'ada', { auth: { cursors: { global: { epoch: '0', offset: 0 } } } });
  expect((await back.session()).missed).toMatchObject({ global: { head: 150 } });
});

/** A WebSocket whose TCP stream can be left unread. */
async function openRaw({ url }: CarillonProcess, token: string) {
  const { hostname, port } = new URL(url);
  const stream = connectTcp({ host: hostname, port: Number(port) });
  stream.write(
    `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  let told = '';
  const onData = (bytes: Buffer) => {
    told += bytes.toString('latin1');
  };
  stream.on('data', onData);
  await until('the handshake', 20_000, () => told.includes('"sid"'));
  stream.write(masked(`40${JSON.stringify({ token })}`));
  await until('the session', 20_000, () => told.includes('42["session"'));
  stream.off('data', onData);
  return stream;
}

/** A text frame of a client with a mask of zeros. */
function masked(text: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 0xff, 0, 0, 0, 0]);
  return Buffer.concat([header, payload]);
}

test('a client that says nothing and takes no notice of its end does not keep its place', async () => {
  const carillon = await start({ HANDSHAKE_SECONDS: '5', CONNECTIONS_PER_ADDRESS: '1' });
  const { port, hostname } = new URL(carillon.url);
  const silent = connectTcp(Number(port), hostname);
  silent.on('error', () => {});
  silent.write(
    `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\n` +
      'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  await once(silent, 'data');
  // ws alone would wait 30 s more for an answer, which is longer than this test may take.
  silent.resume();
  await once(silent, 'close');
  // The place is free when the gateway has seen the end, which may be after the client has; and the session must begin
  // in five seconds, whatever the machine is doing.
  const client = await connect(carillon, 'ada', { reconnection: true });
  expect(await client.session()).toMatchObject({ user: 'ada' });
}, 33_000);
