/** The proxy breaks connections as it says; faults that do not happen would prove nothing. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

let echo: Server;
let proxy: TcpProxy;
let clients: Conversation[] = [];

beforeAll(async () => {
  echo = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  await once(echo.listen(0, '127.0.0.1'), 'listening');
});
beforeEach(async () => {
  proxy = await startTcpProxy(portOf(echo));
});
afterEach(async () => {
  for (const { socket } of clients) socket.destroy();
  clients = [];
  await proxy.close();
});
afterAll(() => void echo.close());

interface Conversation {
  readonly socket: Socket;
  heard: string;
  end: string;
}

async function talk(): Promise<Conversation> {
  const socket = connect(proxy.port, '127.0.0.1');
  const conversation = { socket, heard: '', end: '' };
  socket.on('data', (bytes) => {
    conversation.heard += bytes;
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    conversation.end = error.code ?? '';
  });
  socket.on('end', () => {
    conversation.end = 'end';
  });
  await once(socket, 'connect');
  clients.push(conversation);
  return conversation;
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' && address !== null ? address.port : Number.NaN;
}

test('bytes and ends pass', async () => {
  const client = await talk();
  client.socket.end('hello');
  await expect.poll(() => client).toMatchObject({ heard: 'hello', end: 'end' });
});

test('a cut resets what is open, and new connections pass', async () => {
  const cut = await talk();
  cut.socket.write('a');
  await expect.poll(() => cut.heard).toBe('a');
  proxy.cut();
  await expect.poll(() => cut.end).toBe('ECONNRESET');
  const next = await talk();
  next.socket.write('b');
  await expect.poll(() => next.heard).toBe('b');
});

test.for(['toServer', 'toClient', 'both'] as const)(
  'nothing passes a black hole %s until it is healed',
  async (way) => {
    const other = await startTcpProxy(portOf(echo));
    const client = await talk();
    proxy.blackHole(way);
    client.socket.write('lost? ');
    // What went another way and came back later shows that there was time enough.
    const witness = connect(other.port, '127.0.0.1');
    for (const word of ['one', 'two', 'three']) {
      witness.write(word);
      await once(witness, 'data');
    }
    expect(client.heard).toBe('');
    client.socket.end('no');
    proxy.heal();
    await expect.poll(() => client).toMatchObject({ heard: 'lost? no', end: 'end' });
    witness.destroy();
    await other.close();
  },
);

test('a delay is kept in both directions and changes no order', async () => {
  const client = await talk();
  proxy.delay(100);
  const startMs = performance.now();
  client.socket.write('slow ');
  await once(client.socket, 'data');
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(199);
  client.socket.write('first ');
  proxy.delay(0);
  client.socket.write('second');
  await expect.poll(() => client.heard).toBe('slow first second');
});

test('a server that is not there resets', async () => {
  const nowhere = await startTcpProxy(1);
  const socket = connect(nowhere.port, '127.0.0.1');
  const [error] = await once(socket, 'error');
  expect(error).toMatchObject({ code: 'ECONNRESET' });
  await nowhere.close();
});

test('a limit lets so much pass in a second, in order, and counts it', async () => {
  const client = await talk();
  proxy.limit(100_000, 'toServer');
  const beganMs = performance.now();
  client.socket.write('a'.repeat(20_000));
  client.socket.write('b'.repeat(10_000));
  await expect.poll(() => client.heard.length).toBe(30_000);
  // Not sooner; how much later is the machine's.
  expect(performance.now() - beganMs).toBeGreaterThan(290);
  expect(client.heard).toBe('a'.repeat(20_000) + 'b'.repeat(10_000));
  expect([proxy.bytes('toServer'), proxy.bytes('toClient')]).toEqual([30_000, 30_000]);
});
