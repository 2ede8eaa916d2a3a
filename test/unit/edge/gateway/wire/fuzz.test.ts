/**
 * Whatever a client sends in whatever pieces: our server makes of it what ws makes of it by itself.
 *
 * Two things differ, and only for compressed messages that cannot be inflated. ws closes with 1007; we close without
 * a code, since ws takes one only from its own errors. And ws inflates fragment by fragment, while we inflate when the
 * last one is there: a fault in an earlier one shows then, or not at all if the client ends or errs before.
 */
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { duplexPair, getDefaultHighWaterMark, setDefaultHighWaterMark } from 'node:stream';
import { constants, deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { wireEngine } from '../../../../../src/edge/gateway/wire/engine.ts';
import fc from '../../../../support/fast-check.ts';
import { AMPLE } from '../../../../support/pending.ts';

const MAX_PAYLOAD_BYTES = 2_000;
const FIN = 0x80;
const COMPRESSED = 0x40;
const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0x0, 0x1, 0x2, 0x8, 0x9, 0xa];

/**
 * So that ws pauses the stream while it inflates. Its receiver throws, where nobody can catch it, when two chunks
 * wait in it and the first of them is at fault. A net socket brings us no second chunk before the first is inflated.
 */
const bufferedBytes = getDefaultHighWaterMark(false);
beforeAll(() => setDefaultHighWaterMark(false, 1));
afterAll(() => setDefaultHighWaterMark(false, bufferedBytes));

interface ClientFrame {
  readonly first: number;
  readonly isMasked: boolean;
  readonly payload: Uint8Array;
  /** A longer form of the length than needed, which ws takes too. */
  readonly lengthForm: 'short' | '16 bits' | '64 bits';
  /** What the header says beyond the payload's true length. */
  readonly lie: bigint;
}

const frame = (first: number, payload: Uint8Array = new Uint8Array()): ClientFrame => ({
  first,
  isMasked: true,
  payload,
  lengthForm: 'short',
  lie: 0n,
});

function encode({ first, isMasked, payload, lengthForm, lie }: ClientFrame, mask: Uint8Array): Buffer {
  const length = BigInt(payload.length) + lie;
  const form =
    length > 65_535n ? '64 bits' : lengthForm === 'short' && length > 125n ? '16 bits' : lengthForm;
  const header = Buffer.alloc({ short: 2, '16 bits': 4, '64 bits': 10 }[form]);
  header[0] = first;
  header[1] = (isMasked ? 0x80 : 0) | { short: Number(length), '16 bits': 126, '64 bits': 127 }[form];
  if (form === '16 bits') header.writeUInt16BE(Number(length), 2);
  if (form === '64 bits') header.writeBigUInt64BE(length, 2);
  if (!isMasked) return Buffer.concat([header, payload]);
  const masked = Buffer.from(payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0)));
  return Buffer.concat([header, mask, masked]);
}

function deflated(message: Uint8Array): Buffer {
  return deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

const encodings = {
  plain: (message: Uint8Array) => Buffer.from(message),
  deflated,
  'with a final block': (message: Uint8Array) => Buffer.concat([deflateRawSync(message), Buffer.alloc(1)]),
  'cut short': (message: Uint8Array) => deflated(message).subarray(0, message.length / 3),
  malformed: (message: Uint8Array) => deflated(message).map((byte, i) => (i % 7 === 2 ? byte ^ 0x55 : byte)),
  garbage: (message: Uint8Array) => Buffer.from(message),
  bomb: () => deflated(Buffer.alloc(60_000)),
} as const;

const weighted = <T>(...choices: readonly (readonly [number, fc.Arbitrary<T>])[]) =>
  fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));

const anyBody = weighted<Uint8Array>(
  [4, fc.string({ unit: 'grapheme', maxLength: 200 }).map((text) => Buffer.from(text))],
  [1, fc.uint8Array({ maxLength: 300 })],
  [
    2,
    fc.integer({ min: MAX_PAYLOAD_BYTES - 2, max: MAX_PAYLOAD_BYTES + 2 }).map((n) => Buffer.alloc(n, 'x')),
  ],
);

const anyControl = weighted<ClientFrame>(
  [4, fc.uint8Array({ maxLength: 125 }).map((payload) => frame(FIN | PING, payload))],
  [2, fc.uint8Array({ maxLength: 125 }).map((payload) => frame(FIN | PONG, payload))],
);

/** A message in frames, with control frames between them. */
const anyMessage = fc
  .record({
    opcode: fc.constantFrom(TEXT, BINARY),
    body: anyBody,
    encoding: weighted(
      [6, fc.constantFrom('plain' as const, 'deflated' as const)],
      [1, fc.constant('with a final block' as const)],
      [1, fc.constantFrom('cut short' as const, 'malformed' as const, 'garbage' as const, 'bomb' as const)],
    ),
    cuts: weighted<number[]>([2, fc.constant([])], [3, fc.array(fc.nat(2_100), { maxLength: 4 })]),
    between: fc.array(fc.option(anyControl, { freq: 1 }), { maxLength: 4 }),
  })
  .map(({ opcode, body, encoding, cuts, between }) => {
    const payload = encodings[encoding](body);
    const edges = [0, ...cuts.map((cut) => cut % (payload.length + 1)).sort((a, b) => a - b), payload.length];
    return edges.slice(1).flatMap((end, i): ClientFrame[] => {
      const isLast = i === edges.length - 2;
      const first = i > 0 ? CONTINUATION : opcode | (encoding === 'plain' ? 0 : COMPRESSED);
      const part = frame(first | (isLast ? FIN : 0), payload.subarray(edges[i], end));
      const control = isLast ? undefined : between[i];
      return control ? [part, control] : [part];
    });
  });

/** Leaves out the beginning of a compressed message that never ends. */
const finished = (first: number) =>
  first === (COMPRESSED | TEXT) || first === (COMPRESSED | BINARY) ? first | FIN : first;

/** One frame of any kind, mostly against the rules. */
const anyFrame = fc.record<ClientFrame>({
  first: weighted(
    [1, fc.nat(255).map(finished)],
    [2, fc.constantFrom(TEXT, FIN | TEXT, FIN, FIN | CLOSE, FIN | PING)],
  ),
  isMasked: weighted([4, fc.constant(true)], [1, fc.constant(false)]),
  payload: weighted(
    [2, fc.uint8Array({ maxLength: 140 })],
    // What a close frame may hold, and what not.
    [1, fc.constantFrom(999, 1_000, 1_005, 1_011, 4_999).map((code) => Buffer.from([code >> 8, code & 255]))],
    [1, fc.constant(Buffer.from([0x03, 0xe8, 0xff]))],
  ),
  lengthForm: fc.constantFrom('short', '16 bits', '64 bits'),
  lie: weighted([9, fc.constant(0n)], [1, fc.constantFrom(BigInt(MAX_PAYLOAD_BYTES) + 1n, 2n ** 53n)]),
});

const anyTraffic = fc.record({
  offer: weighted([5, fc.constant<string | undefined>('permessage-deflate')], [1, fc.constant(undefined)]),
  parts: fc.array(
    weighted([6, anyMessage], [2, anyControl.map((one) => [one])], [1, anyFrame.map((one) => [one])]),
    { maxLength: 8 },
  ),
  mask: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  chunks: fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 10 }),
  headBytes: fc.constantFrom(0, 1, 40),
});

interface Traffic {
  readonly offer: string | undefined;
  readonly bytes: Buffer;
  /** How many bytes arrive at a time, over and over. */
  readonly chunks: readonly number[];
  /** How many of the bytes came with the handshake. */
  readonly headBytes: number;
}

interface Outcome {
  /** Messages, pings and pongs as the server had them. */
  readonly events: string[];
  /** Why the connection was failed. */
  failure: string | undefined;
  /** Of the server's close frame; 1005 when it has none. */
  closeCode: number | undefined;
  pongs: number;
}

const engines = {
  stock: new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PAYLOAD_BYTES,
    perMessageDeflate: { serverNoContextTakeover: true, clientNoContextTakeover: true },
  }),
  ours: new (wireEngine({
    thresholdBytes: 10,
    level: 6,
    maxInboundBytes: MAX_PAYLOAD_BYTES,
    ...AMPLE,
  }))({
    noServer: true,
    maxPayload: MAX_PAYLOAD_BYTES,
  }),
};

/** What becomes of the traffic on a server. */
async function play(engine: WebSocketServer, { offer, bytes, chunks, headBytes }: Traffic): Promise<Outcome> {
  const [client, stream] = duplexPair();
  const outcome: Outcome = { events: [], failure: undefined, closeCode: undefined, pongs: 0 };
  const answer: Buffer[] = [];
  client.on('data', (chunk: Buffer) => answer.push(chunk));
  client.on('end', () => client.end());
  const closed = new Promise((resolve) => {
    engine.handleUpgrade(handshake(offer), stream, Buffer.from(bytes.subarray(0, headBytes)), (socket) => {
      follow(socket, outcome);
      socket.on('close', resolve);
    });
  });
  for (let at = headBytes, i = 0; at < bytes.length; i += 1) {
    const size = chunks[i % chunks.length] ?? 1;
    // A copy: ws takes the mask off in place.
    client.write(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
  }
  await closed;
  readAnswer(Buffer.concat(answer), outcome);
  return outcome;
}

function handshake(offer: string | undefined): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  request.method = 'GET';
  request.headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version': '13',
  };
  if (offer !== undefined) request.headers['sec-websocket-extensions'] = offer;
  return request;
}

function follow(socket: WebSocket, outcome: Outcome): void {
  const { events } = outcome;
  socket.on('message', (data, isBinary) => {
    if (Buffer.isBuffer(data)) events.push(`${isBinary ? 'binary' : 'text'} ${data.toString('hex')}`);
  });
  socket.on('ping', (data) => events.push(`ping ${data.toString('hex')}`));
  socket.on('pong', (data) => events.push(`pong ${data.toString('hex')}`));
  socket.on('error', (error) => {
    outcome.failure = 'code' in error ? String(error.code) : error.message;
  });
}

function readAnswer(answer: Buffer, outcome: Outcome): void {
  let at = answer.indexOf('\r\n\r\n') + 4;
  while (at < answer.length) {
    const length = answer[at + 1] ?? 0;
    const payload = answer.subarray(at + 2, at + 2 + length);
    if (answer[at] === (FIN | PONG)) outcome.pongs += 1;
    if (answer[at] === (FIN | CLOSE)) outcome.closeCode = length >= 2 ? payload.readUInt16BE(0) : 1_005;
    at += 2 + length;
  }
}

const TOO_LONG = 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
const MALFORMED = 'Z_DATA_ERROR';

const messagesOf = ({ events }: Outcome) => events.filter((event) => /^(text|binary) /.test(event));

function expectAgreement(ours: Outcome, stock: Outcome): void {
  if (stock.failure !== MALFORMED && stock.failure !== TOO_LONG) {
    expect(ours).toEqual(stock);
    return;
  }
  expect(messagesOf(ours)).toEqual(messagesOf(stock));
  // ws may have stopped at an earlier fragment, before a ping.
  expect(ours.events.slice(0, stock.events.length)).toEqual(stock.events);
  expect([`${MALFORMED} 1005`, `${TOO_LONG} 1009`]).toContain(`${ours.failure} ${ours.closeCode}`);
}

test('both servers agree', async () => {
  const ends = new Set<string | undefined>();
  await fc.assert(
    fc.asyncProperty(anyTraffic, async ({ parts, mask, ...traffic }) => {
      const frames = [...parts.flat(), frame(FIN | CLOSE, Buffer.from([0x03, 0xe8]))];
      const bytes = Buffer.concat(frames.map((one) => encode(one, mask)));
      const stock = await play(engines.stock, { ...traffic, bytes });
      const ours = await play(engines.ours, { ...traffic, bytes });
      ends.add(ours.failure ?? messagesOf(ours)[0]?.slice(0, 4));
      expectAgreement(ours, stock);
    }),
    { numRuns: 800 },
  );
  // Otherwise the generators are at fault.
  expect([...ends]).toEqual(
    expect.arrayContaining([
      'text',
      'bina',
      MALFORMED,
      TOO_LONG,
      'WS_ERR_INVALID_UTF8',
      'WS_ERR_EXPECTED_MASK',
    ]),
  );
});
