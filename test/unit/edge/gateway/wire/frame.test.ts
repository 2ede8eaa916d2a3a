/** Frames are what ws itself reads back, take the shorter form, and are made once for all sockets. */
import { randomBytes } from 'node:crypto';
import type { Writable } from 'node:stream';
import { constants, inflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Receiver } from 'ws';
import { Compression, WINDOW_BITS } from '../../../../../src/edge/gateway/wire/compression.ts';
import {
  binaryFrame,
  deflatedTextFrame,
  Frame,
  textFrame,
} from '../../../../../src/edge/gateway/wire/frame.ts';
import fc from '../../../../support/fast-check.ts';

declare module 'ws' {
  /** Exported by ws and missing from its types: what reads frames. */
  const Receiver: new (options: {
    readonly isServer: boolean;
    readonly skipUTF8Validation: boolean;
    readonly extensions: Readonly<Record<string, unknown>>;
  }) => Writable;
}

const THRESHOLD_BYTES = 256;
const MAX_DEFLATED_BYTES = 262_144;
const COMPRESSED = 0x40;

const compressionAt = (level: number) =>
  new Compression({ thresholdBytes: THRESHOLD_BYTES, level, maxInboundBytes: 1_000 });

const compression = compressionAt(6);

/** Around each length at which the header changes, and around both bounds of compression. */
const anyLength = fc.oneof(
  ...[0, 126, THRESHOLD_BYTES, 65_536, MAX_DEFLATED_BYTES].map((edge) =>
    fc.integer({ min: Math.max(0, edge - 3), max: edge + 3 }),
  ),
  fc.integer({ min: 0, max: 5_000 }),
);

const patterns: readonly ((length: number) => Buffer)[] = [
  (length) => Buffer.alloc(length, 'a'),
  (length) => Buffer.alloc(length, '42["notification",{"title":"Täglich grüßt 🐿"}]'),
  (length) => randomBytes(length),
  // Repeats from farther away than the window reaches, where a larger window would refer back.
  (length) => Buffer.alloc(length, randomBytes(2 ** WINDOW_BITS + 1_000)),
];

const anyMessage = fc.tuple(anyLength, fc.constantFrom(...patterns)).map(([length, make]) => make(length));

interface Received {
  readonly isRight: boolean;
  readonly isBinary: unknown;
  readonly isCompressed: boolean;
}

/** Whether ws makes the expected message, and nothing else, of one frame from a server. */
async function read(frame: Buffer, expected: Buffer): Promise<Received> {
  let isCompressed = false;
  const receiver = new Receiver({
    isServer: false,
    skipUTF8Validation: true,
    extensions: {
      'permessage-deflate': {
        decompress(payload: Buffer, isLast: boolean, done: (error: unknown, message?: Buffer) => void) {
          isCompressed = true;
          expect(isLast).toBe(true);
          process.nextTick(() => done(null, inflate(payload)));
        },
      },
    },
  });
  const received: Omit<Received, 'isCompressed'>[] = [];
  receiver.on('message', (message: Buffer, isBinary: unknown) => {
    received.push({ isRight: message.equals(expected), isBinary });
  });
  await new Promise((resolve, reject) => {
    receiver.on('error', reject);
    receiver.on('finish', resolve);
    receiver.end(frame);
  });
  const [only, ...more] = received;
  if (only === undefined || more.length > 0) throw new Error(`${received.length} messages in one frame`);
  return { ...only, isCompressed };
}

/** As a peer does that keeps no larger window than it was promised. */
function inflate(payload: Buffer): Buffer {
  const whole = Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]);
  return inflateRawSync(whole, { windowBits: WINDOW_BITS, finishFlush: constants.Z_SYNC_FLUSH });
}

/** The shortest header that the RFC allows for a payload. */
const headerBytes = (length: number) => (length <= 125 ? 2 : length <= 65_535 ? 4 : 10);

describe('a frame is read as what went in', () => {
  test('plain', async () => {
    await fc.assert(
      fc.asyncProperty(anyMessage, async (message) => {
        const frame = textFrame(message);
        expect(frame.length).toBe(headerBytes(message.length) + message.length);
        expect(await read(frame, message)).toEqual({ isRight: true, isBinary: false, isCompressed: false });
      }),
    );
  });

  test('binary', async () => {
    await fc.assert(
      fc.asyncProperty(anyMessage, fc.nat(20), async (message, start) => {
        const part = new Uint8Array(message).subarray(start);
        expect(await read(binaryFrame(part), Buffer.from(part))).toEqual({
          isRight: true,
          isBinary: true,
          isCompressed: false,
        });
      }),
    );
  });

  test('compressed where that is shorter, and then never larger', async () => {
    await fc.assert(
      fc.asyncProperty(anyMessage, async (message) => {
        const frame = new Frame(message);
        const { length } = frame.deflated(compression);
        expect(await read(frame.deflated(compression), message)).toEqual({
          isRight: true,
          isBinary: false,
          isCompressed: length < frame.plain.length,
        });
        expect(length).toBeLessThanOrEqual(frame.plain.length);
      }),
    );
  });
});

describe('compression', () => {
  const text = (length: number) => Buffer.alloc(length, 'say it again, ');

  test.for([
    [THRESHOLD_BYTES - 1, false],
    [THRESHOLD_BYTES, true],
    [MAX_DEFLATED_BYTES, true],
    [MAX_DEFLATED_BYTES + 1, false],
  ] as const)('of %i bytes: %s', ([length, isWorthIt]) => {
    const frame = new Frame(text(length));
    expect(((frame.deflated(compression)[0] ?? 0) & COMPRESSED) !== 0).toBe(isWorthIt);
    expect(deflatedTextFrame(text(length), compression) !== undefined).toBe(isWorthIt);
    if (!isWorthIt) expect(frame.deflated(compression)).toBe(frame.plain);
  });

  test('goes as far as the level says', () => {
    const words = 'a notification is compressed once and sent to all who are in the room and listen'.split(
      ' ',
    );
    const message = Buffer.from(
      Array.from({ length: 800 }, (_, i) => words[(i * i * 7 + i * 3) % words.length]).join(' '),
    );
    const lengthAt = (level: number) => new Frame(message).deflated(compressionAt(level)).length;
    expect(lengthAt(9)).toBeLessThan(lengthAt(1));
    expect(lengthAt(0)).toBe(new Frame(message).plain.length);
    expect([compressionAt(1).isOn, compressionAt(0).isOn]).toEqual([true, false]);
  });

  test('gives up where nothing is to be won', () => {
    const frame = new Frame(randomBytes(2_000));
    expect(frame.deflated(compression)).toBe(frame.plain);
  });
});

test("a frame's buffers are made once", () => {
  const frame = new Frame(Buffer.alloc(1_000, '42["notification",{}]'));
  const [plain, deflated] = [frame.plain, frame.deflated(compression)];
  expect(deflated).not.toEqual(plain);
  // What other frames are made of is not written into these.
  const copies = [Buffer.from(plain), Buffer.from(deflated)];
  for (let i = 0; i < 50; i += 1) new Frame(Buffer.alloc(1_000 + i, `${i}`)).deflated(compression);
  expect(frame.plain).toBe(plain);
  expect(frame.deflated(compression)).toBe(deflated);
  expect([plain, deflated]).toEqual(copies);
});

test('a frame tells its text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(new Frame(Buffer.from(text)).text).toBe(text);
    }),
  );
});
