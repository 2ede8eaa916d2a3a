/** What the WebSocket engine relies on in ws, engine.io and Node, public or not: fails when an upgrade moves it. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import { constants, createDeflateRaw, createInflateRaw, inflateRawSync } from 'node:zlib';
import { Server, type Socket } from 'socket.io';
import { afterEach, describe, expect, test } from 'vitest';
import { type ServerOptions, WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { wireEngine } from '../../src/edge/gateway/wire/engine.ts';
import { WireSocket } from '../../src/edge/gateway/wire/wire-socket.ts';
import { connectClient } from '../support/client.ts';
import { AMPLE } from '../support/pending.ts';

const DEFLATE = 'permessage-deflate';
const COMPRESSION = { thresholdBytes: 10, level: 6, maxInboundBytes: 10_000, ...AMPLE };

/** Undone after each test, last first. */
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function listen(http: HttpServer): Promise<number> {
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  undo.push(() => {
    http.closeAllConnections();
    http.close();
  });
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

describe('versions', () => {
  const readJson = (path: string) =>
    JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));
  const version = z.object({ version: z.string() });
  const installed = (name: string) => version.parse(readJson(`node_modules/${name}/package.json`)).version;

  test('of ws and socket.io are exact, and the same ws serves all', () => {
    const { dependencies, overrides } = z
      .object({ dependencies: z.record(z.string(), z.string()), overrides: z.record(z.string(), z.string()) })
      .parse(readJson('package.json'));
    expect(dependencies).toMatchObject({ ws: installed('ws'), 'socket.io': installed('socket.io') });
    expect(overrides.ws).toBe('$ws');
  });

  test('of engine.io is what the lockfile says, and there is one of each', () => {
    const { packages } = z
      .object({ packages: z.record(z.string(), z.unknown()) })
      .parse(readJson('package-lock.json'));
    expect(version.parse(packages['node_modules/engine.io']).version).toBe(installed('engine.io'));
    const copies = Object.keys(packages).filter((path) => /(^|\/)node_modules\/(ws|engine\.io)$/.test(path));
    expect(copies.toSorted()).toEqual(['node_modules/engine.io', 'node_modules/ws']);
  });
});

describe('ws', () => {
  interface Call {
    readonly payload: Buffer;
    readonly isLast: boolean;
  }

  /** A server whose receiving side was exchanged for one that writes down what it is asked. */
  async function serverWithProbe(answer: (call: Call) => Buffer | Error) {
    const http = createServer();
    const engine = new WebSocketServer({ noServer: true, perMessageDeflate: true, maxPayload: 1_000 });
    const calls: Call[] = [];
    const events: unknown[][] = [];
    const probe = {
      decompress(payload: Buffer, isLast: boolean, done: (error: Error | null, message?: Buffer) => void) {
        calls.push({ payload: Buffer.from(payload), isLast });
        const result = answer({ payload, isLast });
        process.nextTick(() => (result instanceof Error ? done(result) : done(null, result)));
      },
      cleanup: () => events.push(['cleanup']),
    };
    http.on('upgrade', (request, stream, head) => {
      engine.handleUpgrade(request, stream, head, (socket) => {
        const extensions = extensionsOf(socket);
        events.push(['replaced', Object.keys(extensions)]);
        extensions[DEFLATE] = probe;
        socket.on('message', (message) => events.push(['message', String(message)]));
        socket.on('error', ({ message }) => events.push(['error', message]));
      });
    });
    const client = new WebSocket(`ws://127.0.0.1:${await listen(http)}`, {
      perMessageDeflate: { threshold: 0 },
    });
    const closed = once(client, 'close');
    await once(client, 'open');
    return { client, closed, calls, events };
  }

  function extensionsOf(socket: WebSocket): Record<string, unknown> {
    if (!('_extensions' in socket)) throw new Error('no _extensions');
    const extensions = z
      .custom<Record<string, unknown>>((value) => typeof value === 'object')
      .parse(socket._extensions);
    return extensions;
  }

  const inflate = ({ payload }: Call) =>
    inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]), {
      finishFlush: constants.Z_SYNC_FLUSH,
    });

  test('hands compressed payloads to what is in _extensions, and takes the message from its callback', async () => {
    const { client, closed, calls, events } = await serverWithProbe(inflate);
    client.send('one message, one message');
    client.close();
    await closed;
    expect(calls.map(({ isLast }) => isLast)).toEqual([true]);
    await expect
      .poll(() => events)
      .toEqual([['replaced', [DEFLATE]], ['message', 'one message, one message'], ['cleanup']]);
  });

  test('hands over fragments one by one, and takes their pieces together', async () => {
    const { client, closed, calls, events } = await serverWithProbe(({ isLast }) =>
      Buffer.from(isLast ? 'last' : 'first,'),
    );
    client.send('a', { fin: false });
    client.send('b', { fin: true });
    client.close();
    await closed;
    expect(calls.map(({ isLast }) => isLast)).toEqual([false, true]);
    await expect.poll(() => events).toContainEqual(['message', 'first,last']);
  });

  test('checks the length of what was inflated', async () => {
    const { client, closed, events } = await serverWithProbe(() => Buffer.alloc(1_001));
    client.send('short');
    expect(await closed).toEqual([1_009, Buffer.alloc(0)]);
    await expect.poll(() => events.map(([name]) => name)).toEqual(['replaced', 'error', 'cleanup']);
  });

  test('closes without a code when the callback has an error of another kind', async () => {
    const { client, closed, events } = await serverWithProbe(() => new Error('malformed'));
    client.send('anything');
    expect(await closed).toEqual([1_005, Buffer.alloc(0)]);
    await expect.poll(() => events).toContainEqual(['error', 'malformed']);
  });
});

describe('engine.io', () => {
  /** A Socket.IO server with our engine, and how often it made one. */
  async function serve() {
    const made: ServerOptions[] = [];
    class Counted extends wireEngine(COMPRESSION) {
      constructor(given: ServerOptions) {
        super(given);
        made.push(given);
      }
    }
    const http = createServer();
    const io = new Server(http, { wsEngine: Counted, maxHttpBufferSize: COMPRESSION.maxInboundBytes });
    undo.push(() => io.close());
    const port = await listen(http);
    const connection = new Promise<Socket>((resolve) => io.once('connection', resolve));
    const client = connectClient(`http://127.0.0.1:${port}`, undefined);
    undo.push(client.close);
    return { made, client, socket: await connection };
  }

  test('makes two of its engine, with the options that ours hands on', async () => {
    const { made } = await serve();
    expect(made).toHaveLength(2);
    expect(made).toEqual(
      Array(2).fill({
        noServer: true,
        clientTracking: false,
        perMessageDeflate: undefined,
        maxPayload: COMPRESSION.maxInboundBytes,
      }),
    );
  });

  test('keeps the WebSocket of our engine as its transport’s socket', async () => {
    const { socket } = await serve();
    const { transport } = socket.conn;
    expect('socket' in transport && transport.socket instanceof WireSocket).toBe(true);
  });

  /** How many packets engine.io itself keeps, in a member that is not public. */
  const waiting = (conn: object) =>
    z.object({ writeBuffer: z.array(z.unknown()) }).parse(conn).writeBuffer.length;

  test('takes what is sent as sent: it stays writable and buffers nothing', async () => {
    const { socket, client } = await serve();
    const states = ['x'.repeat(100), 'x'.repeat(1_000_000), Buffer.alloc(1_000)].map((data) => {
      socket.emit('event', data);
      const { conn } = socket;
      return [conn.transport.writable, waiting(conn)];
    });
    expect(states).toEqual(Array(3).fill([true, 0]));
    await expect.poll(() => client.names).toEqual(['event', 'event', 'event']);
  });

  test('sends text as strings and attachments as binary, with a callback as last argument', async () => {
    const { socket } = await serve();
    const { transport } = socket.conn;
    if (!('socket' in transport && transport.socket instanceof WireSocket)) throw new Error('another socket');
    const sent: unknown[][] = [];
    const send = transport.socket.send.bind(transport.socket);
    transport.socket.send = (data, ...rest) => {
      sent.push([data, ...rest]);
      send(data, ...rest);
    };
    socket.emit('event', Buffer.from([1]));
    const kinds = sent.map(([data, ...rest]) => [
      typeof data,
      Buffer.isBuffer(data),
      rest.map((one) => typeof one),
    ]);
    expect(kinds).toEqual([
      ['string', false, ['function']],
      ['object', true, ['function']],
    ]);
  });
});

describe('zlib', () => {
  test.for([
    ['deflate', () => createDeflateRaw()],
    ['inflate', () => createInflateRaw()],
  ] as const)('has the synchronous call of a state: %s', ([, create]) => {
    const stream: object = create();
    expect(Object.keys(stream)).toEqual(expect.arrayContaining(['_handle', '_writeState']));
    if (!('_handle' in stream && '_writeState' in stream)) return;
    expect(stream._writeState).toBeInstanceOf(Uint32Array);
    expect(stream._writeState).toHaveLength(2);
    expect(stream._handle).toMatchObject({
      writeSync: expect.any(Function),
      reset: expect.any(Function),
      onerror: expect.any(Function),
    });
  });
});
