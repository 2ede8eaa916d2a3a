/** The WebSocket engine under a real Socket.IO server: what clients of every kind get, and what bad ones get. */
import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import { connect, type Socket as NetSocket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { Server, type Socket } from 'socket.io';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { wireEngine } from '../../../../src/edge/gateway/wire/engine.ts';
import { Frame } from '../../../../src/edge/gateway/wire/frame.ts';
import { writeShared } from '../../../../src/edge/gateway/wire/shared-write.ts';
import { connectClient } from '../../../support/client.ts';
import { AMPLE } from '../../../support/pending.ts';
import { until } from '../../../support/until.ts';

const MAX_INBOUND_BYTES = 10_000;
const DEFLATE = 'permessage-deflate';
const [PLAIN_TEXT, DEFLATED_TEXT, CLOSE] = [0x81, 0xc1, 0x88];

let http: HttpServer;
let io: Server;
let port: number;
/** The server's end of each connection. */
let streams: NetSocket[];
let undo: (() => unknown)[];

beforeEach(async () => {
  http = createServer();
  [streams, undo] = [[], []];
  http.on('connection', (stream) => streams.push(stream));
  io = new Server(http, {
    maxHttpBufferSize: MAX_INBOUND_BYTES,
    wsEngine: wireEngine({ maxInboundBytes: MAX_INBOUND_BYTES, ...AMPLE, thresholdBytes: 100, level: 6 }),
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = http.address();
  port = typeof address === 'object' && address !== null ? address.port : Number.NaN;
});
afterEach(async () => {
  for (const step of undo) step();
  await io.close();
});

interface ServerFrame {
  readonly first: number;
  readonly payload: Buffer;
}

/** A client that knows nothing but TCP, and its Socket.IO socket on the server. */
async function rawClient(offer: string | undefined) {
  const accepted = new Promise<Socket>((resolve) => io.once('connection', resolve));
  const stream = connect(port, '127.0.0.1').on('error', () => {});
  undo.push(() => stream.destroy());
  let received = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
  });
  const ended = once(stream, 'close');
  const request = [
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
    'host: 127.0.0.1\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
    ...(offer === undefined ? [] : [`sec-websocket-extensions: ${offer}`]),
  ];
  stream.write(`${request.join('\r\n')}\r\n\r\n`);
  const frames = () => readFrames(received.subarray(received.indexOf('\r\n\r\n') + 4));
  const hasHeard = (start: string) => frames().some((frame) => textOf(frame).startsWith(start));
  await until('the handshake', 20_000, () => hasHeard('0{'));
  stream.write(clientFrame(PLAIN_TEXT, '40'));
  const socket = await accepted;
  await until('the connection', 20_000, () => hasHeard('40{'));
  const serverStream = streams.at(-1);
  if (serverStream === undefined) throw new Error('no stream');
  const greetings = frames().length;
  return { stream, ended, socket, serverStream, frames: () => frames().slice(greetings) };
}

/** Frames of less than 64 KB. */
function readFrames(bytes: Buffer): ServerFrame[] {
  const frames: ServerFrame[] = [];
  for (let at = 0; at + 4 <= bytes.length || bytes[at + 1] === 0; ) {
    const isShort = (bytes[at + 1] ?? 0) < 126;
    const start = at + (isShort ? 2 : 4);
    const end = start + (isShort ? (bytes[at + 1] ?? 0) : bytes.readUInt16BE(at + 2));
    if (end > bytes.length) break;
    frames.push({ first: bytes[at] ?? 0, payload: bytes.subarray(start, end) });
    at = end;
  }
  return frames;
}

function clientFrame(first: number, data: string | Uint8Array | number[], isMasked = true): Buffer {
  const payload = typeof data === 'string' ? Buffer.from(data) : Buffer.from(data);
  const header = Buffer.from([first, (isMasked ? 0x80 : 0) | Math.min(payload.length, 126)]);
  const length =
    payload.length < 126 ? Buffer.alloc(0) : Buffer.from([payload.length >> 8, payload.length & 255]);
  if (!isMasked) return Buffer.concat([header, length, payload]);
  const mask = Buffer.from([0x12, 0x34, 0x56, 0x78]);
  return Buffer.concat([header, length, mask, payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0))]);
}

const flushed = { finishFlush: constants.Z_SYNC_FLUSH };
const deflated = (message: string | Uint8Array) => deflateRawSync(message, flushed).subarray(0, -4);
const inflated = (payload: Buffer) =>
  inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]), flushed);

const textOf = ({ first, payload }: ServerFrame) =>
  String(first === DEFLATED_TEXT ? inflated(payload) : payload);

const notice = (text: string) => new Frame(Buffer.from(`42["notification",${JSON.stringify(text)}]`));

/** A socket.io-client that writes down every `notification`, and its socket on the server. */
async function appClient(transports: ('polling' | 'websocket')[]) {
  const accepted = new Promise<Socket>((resolve) => io.once('connection', resolve));
  const { socket: client } = connectClient(`http://127.0.0.1:${port}`, undefined, { transports });
  undo.push(() => client.disconnect());
  const got: unknown[] = [];
  client.on('notification', (content: unknown) => got.push(content));
  return { client, got, socket: await accepted };
}

describe('a shared frame', () => {
  test('reaches clients of every kind, compressed once for those who take it', async () => {
    const text = 'the same for all, '.repeat(30);
    const takers = [await rawClient(DEFLATE), await rawClient(`${DEFLATE}; client_max_window_bits`)];
    const others = [await rawClient(undefined), await rawClient(`${DEFLATE}; server_max_window_bits=9`)];
    const apps = [await appClient(['polling']), await appClient(['polling', 'websocket'])];
    const writes = takers.map(({ serverStream }) => vi.spyOn(serverStream, 'write'));
    const frame = notice(text);
    for (const { socket } of [...takers, ...others, ...apps]) writeShared(socket.conn, frame);

    for (const { frames } of [...takers, ...others]) {
      await expect.poll(() => frames().map(textOf)).toEqual([frame.text]);
    }
    expect(takers.map(({ frames }) => frames()[0]?.first)).toEqual([DEFLATED_TEXT, DEFLATED_TEXT]);
    expect(others.map(({ frames }) => frames()[0]?.first)).toEqual([PLAIN_TEXT, PLAIN_TEXT]);
    for (const { got } of apps) await expect.poll(() => got).toEqual([text]);
    // The very same buffer, and so the work of one.
    const [one, other] = writes.map((write) => write.mock.calls.map(([bytes]) => bytes));
    expect(one).toHaveLength(1);
    expect(one?.[0]).toBe(other?.[0]);
  });

  test.for([[['websocket']], [['polling']], [['polling', 'websocket']]] as const)(
    'keeps its place among emits and acknowledgements, over %s',
    async ([transports]) => {
      const { client, got, socket } = await appClient([...transports]);
      let sent = 0;
      const next = () => {
        sent += 1;
        return sent;
      };
      const shared = () => writeShared(socket.conn, new Frame(Buffer.from(`42["notification",${next()}]`)));
      const direct = () => void socket.emit('notification', next());
      const burst = (answer: (number: number) => void) => {
        for (const send of [shared, direct, () => answer(next()), shared, direct]) send();
      };
      socket.on('ask', burst);
      const ask = () => client.emit('ask', (number: number) => got.push(number));
      // While the transport changes, too: each turn of the event loop until it has.
      while (sent < 1_000 || socket.conn.transport.name !== transports.at(-1)) {
        shared();
        direct();
        if (sent % 10 === 0) ask();
        await setImmediate();
      }
      const lastAsked = new Promise<void>((resolve) => socket.once('ask', () => resolve()));
      ask();
      await lastAsked;
      await expect.poll(() => got.length).toBe(sent);
      expect(got).toEqual(Array.from({ length: sent }, (_, i) => i + 1));
    },
  );

  test('leaves in one write with all else that is sent in its turn', async () => {
    const { socket, serverStream, frames } = await rawClient(DEFLATE);
    const write = vi.spyOn(serverStream, 'write');
    for (let i = 0; i < 10; i += 1) {
      writeShared(socket.conn, notice(`shared ${i}`));
      socket.emit('notification', `direct ${i}`);
    }
    expect(write).not.toHaveBeenCalled();
    await expect.poll(() => frames().length).toBe(20);
    expect(write).toHaveBeenCalledTimes(1);
    writeShared(socket.conn, notice('in a turn of its own'));
    await expect.poll(() => frames().length).toBe(21);
    expect(write).toHaveBeenCalledTimes(2);
  });
});

describe.each([[['websocket']], [['polling']]] as const)('over %s', (transports) => {
  test('large messages arrive whole and in order', async () => {
    const { got, socket } = await appClient([...transports]);
    const lengths = [10, 70_000, 300_000, 262_144, 5, 1_200_000, 20];
    const texts = lengths.map((length) => Array.from({ length: length / 5 }, (_, i) => i % 1e5).join(','));
    for (const [i, text] of texts.entries()) {
      if (i % 2 === 0) socket.emit('notification', text);
      else writeShared(socket.conn, notice(text));
    }
    await expect.poll(() => got.length).toBe(texts.length);
    expect(got.map((text, i) => text === texts[i])).toEqual(texts.map(() => true));
  });

  test('attachments arrive as they are', async () => {
    const { got, socket } = await appClient([...transports]);
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => i * 3);
    const views = [bytes, Buffer.from(bytes), new DataView(bytes.buffer, 8, 16), new Float32Array([1, 2])];
    const forms = [...views, new Uint8Array(), bytes.buffer];
    for (const form of forms) socket.emit('notification', { form, after: 'text' });
    await expect.poll(() => got.length).toBe(forms.length);
    const expected = forms.map((form) =>
      form instanceof ArrayBuffer
        ? Buffer.from(form)
        : Buffer.from(form.buffer, form.byteOffset, form.byteLength),
    );
    expect(got).toEqual(expected.map((form) => ({ form, after: 'text' })));
  });
});

test('what was sent before a close arrives before it', async () => {
  const { stream, socket, frames, ended } = await rawClient(DEFLATE);
  writeShared(socket.conn, notice('shared'));
  socket.emit('notification', 'direct');
  writeShared(socket.conn, notice('last'));
  socket.disconnect(true);
  writeShared(socket.conn, notice('too late'));
  await expect.poll(() => frames().at(-1)?.first).toBe(CLOSE);
  stream.write(clientFrame(CLOSE, []));
  await ended;
  const [shared, last] = [notice('shared'), notice('last')];
  expect(frames().map(textOf)).toEqual([shared.text, '42["notification","direct"]', last.text, '41', '']);
});

test('no zlib state stays with a connection', async () => {
  const { client, got, socket } = await appClient(['websocket']);
  const text = 'both ways and compressed, '.repeat(100);
  socket.on('event', (heard: string) => socket.emit('notification', heard));
  client.emit('event', text);
  await expect.poll(() => got).toEqual([text]);
  const { bytesRead, bytesWritten } = streams.at(-1) ?? {};
  expect(bytesRead).toBeLessThan(text.length);
  expect(bytesWritten).toBeLessThan(text.length);
  const kept = z.object({ socket: z.object({ _extensions: z.object({ [DEFLATE]: z.looseObject({}) }) }) });
  expect(kept.parse(socket.conn.transport).socket._extensions[DEFLATE]).toEqual({});
});

const event = (text: string) => `42["event",${JSON.stringify(text)}]`;
const tooLong = event('x'.repeat(MAX_INBOUND_BYTES));
const long = deflated(event('in fragments, compressed'));
// What follows the zeros is malformed, which nobody sees who does not inflate as far.
const bomb = Buffer.concat([deflated(Buffer.alloc(1_000_000)), Buffer.alloc(50, 0xff)]);
const HEARD = undefined;

describe('what comes in', () => {
  test.for<[string, Buffer[], number | undefined, string?]>([
    ['plain', [clientFrame(PLAIN_TEXT, event('a'))], HEARD],
    ['compressed', [clientFrame(DEFLATED_TEXT, deflated(event('b')))], HEARD],
    [
      'in pieces',
      [clientFrame(0x01, '42["ev'), clientFrame(0x89, ''), clientFrame(0x80, 'ent","c"]')],
      HEARD,
    ],
    [
      'compressed and in pieces',
      [clientFrame(0x41, long.subarray(0, 9)), clientFrame(0x89, ''), clientFrame(0x80, long.subarray(9))],
      HEARD,
    ],
    ['unmasked', [clientFrame(PLAIN_TEXT, event('a'), false)], 1_002],
    ['oversized', [clientFrame(PLAIN_TEXT, tooLong)], 1_009],
    ['oversized when inflated', [clientFrame(DEFLATED_TEXT, deflated(tooLong))], 1_009],
    ['a bomb', [clientFrame(DEFLATED_TEXT, bomb)], 1_009],
    ['bad UTF-8', [clientFrame(PLAIN_TEXT, [0x34, 0xff])], 1_007],
    ['bad UTF-8, compressed', [clientFrame(DEFLATED_TEXT, deflated(Buffer.from([0x34, 0xff])))], 1_007],
    ['malformed deflate', [clientFrame(DEFLATED_TEXT, [0xff, 0xff])], 1_005],
    ['RSV1 without negotiation', [clientFrame(DEFLATED_TEXT, deflated(event('a')))], 1_002, 'x-none'],
    ['RSV2', [clientFrame(0xa1, event('a'))], 1_002],
  ])('%s', async ([, parts, closeCode, offer = DEFLATE]) => {
    const bystander = await appClient(['websocket']);
    const { stream, socket, frames, ended } = await rawClient(offer);
    const heard: unknown[] = [];
    socket.on('event', (text: unknown) => heard.push(text));
    stream.write(Buffer.concat(parts));
    if (closeCode === HEARD) {
      await expect.poll(() => heard).toHaveLength(1);
      for (const byte of Buffer.concat(parts)) stream.write(Buffer.from([byte]));
      await expect.poll(() => heard).toHaveLength(2);
      expect(frames().every(({ first }) => first === 0x8a)).toBe(true);
    } else {
      await ended;
      const [close] = frames();
      expect(close?.first).toBe(CLOSE);
      expect(close?.payload.length === 0 ? 1_005 : close?.payload.readUInt16BE()).toBe(closeCode);
      await expect.poll(() => [socket.connected, heard]).toEqual([false, []]);
    }
    bystander.socket.emit('notification', 'still here');
    await expect.poll(() => bystander.got).toEqual(['still here']);
  });
});
