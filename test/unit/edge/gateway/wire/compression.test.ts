/** Compressing and inflating with states that are used again: right, bounded, and unharmed by whatever comes in. */
import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Compression, WINDOW_BITS } from '../../../../../src/edge/gateway/wire/compression.ts';
import fc from '../../../../support/fast-check.ts';

const MAX_INBOUND_BYTES = 4_096;
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

const compression = new Compression({
  thresholdBytes: 0,
  level: 6,
  maxInboundBytes: MAX_INBOUND_BYTES,
});

/** What a peer sends that compresses a message with its own zlib. */
function deflatedByPeer(message: Uint8Array, options: { level?: number; windowBits?: number } = {}): Buffer {
  const whole = deflateRawSync(message, { ...options, finishFlush: constants.Z_SYNC_FLUSH });
  return whole.subarray(0, whole.length - TAIL.length);
}

/** What a peer reads that has a window as small as was promised. */
function inflatedByPeer(payload: Buffer): Buffer {
  return inflateRawSync(Buffer.concat([payload, TAIL]), {
    windowBits: WINDOW_BITS,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
}

/** Compared as bytes: an assertion on large buffers takes seconds. */
function expectSame(actual: Buffer | undefined, expected: Uint8Array): void {
  expect(actual?.length).toBe(expected.length);
  expect(actual?.equals(expected)).toBe(true);
}

const MALFORMED: readonly Buffer[] = [
  Buffer.from([0xff]),
  Buffer.from('not a deflate stream'),
  Buffer.alloc(100, 0xff),
  // A block of a type that does not exist.
  Buffer.from([0x07]),
  // A stored block whose length does not match its complement.
  Buffer.from([0x00, 0x05, 0x00, 0x00, 0x00, 1, 2, 3, 4, 5]),
  // A distance that lies before the beginning.
  Buffer.from([0x4b, 0x04, 0x42, 0x00, 0xf0, 0xf0, 0xf0]),
];

const anyBytes = (maxLength: number) =>
  fc.oneof(
    fc.uint8Array({ maxLength }),
    fc
      .tuple(fc.integer({ min: 0, max: maxLength }), fc.string({ minLength: 1, maxLength: 40 }))
      .map(([length, text]) => new Uint8Array(Buffer.alloc(length, text))),
  );

const anyInbound = anyBytes(MAX_INBOUND_BYTES);

test('states are used again on this version of Node', () => {
  expect(compression.isReusingStates).toBe(true);
});

describe('against a zlib of its own', () => {
  test('what is compressed is read by a peer', () => {
    fc.assert(
      fc.property(anyBytes(20_000), (bytes) => {
        const message = Buffer.from(bytes);
        const payload = compression.deflate(message);
        if (payload === undefined) return;
        expect(payload.length).toBeLessThan(message.length);
        expectSame(inflatedByPeer(payload), message);
      }),
    );
  });

  test('what a peer compressed is read', () => {
    fc.assert(
      fc.property(
        anyInbound,
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 9, max: 15 }),
        (message, level, windowBits) => {
          expectSame(compression.inflate(deflatedByPeer(message, { level, windowBits })), message);
        },
      ),
    );
  });

  test('what is compressed is read back', () => {
    fc.assert(
      fc.property(anyInbound, (bytes) => {
        const message = Buffer.from(bytes);
        const payload = compression.deflate(message);
        if (payload !== undefined) expectSame(compression.inflate(payload), message);
      }),
    );
  });

  test('a message that ends with a final block is read', () => {
    fc.assert(
      fc.property(anyInbound, (message) => {
        const payload = Buffer.concat([deflateRawSync(message), Buffer.from([0])]);
        expectSame(compression.inflate(payload), message);
      }),
    );
  });

  test('an empty message is empty', () => {
    expect(compression.inflate(Buffer.from([0]))).toHaveLength(0);
    expect(compression.deflate(Buffer.alloc(0))).toBeUndefined();
  });

  test('messages keep their bytes when others follow', () => {
    const [first, second] = [Buffer.alloc(500, 'first'), Buffer.alloc(500, 'second')];
    const payloads = [compression.deflate(first), compression.deflate(second)];
    const messages = payloads.map((payload) => compression.inflate(payload ?? Buffer.alloc(0)));
    expect(messages).toEqual([first, second]);
  });
});

describe('the largest message', () => {
  const around = (length: number) => compression.inflate(deflatedByPeer(Buffer.alloc(length, 'x'))).length;

  test.for([
    [MAX_INBOUND_BYTES - 1, MAX_INBOUND_BYTES - 1],
    [MAX_INBOUND_BYTES, MAX_INBOUND_BYTES],
    [MAX_INBOUND_BYTES + 1, MAX_INBOUND_BYTES + 1],
    [MAX_INBOUND_BYTES + 2, MAX_INBOUND_BYTES + 1],
    [MAX_INBOUND_BYTES + 3, MAX_INBOUND_BYTES + 1],
    [1_000_000, MAX_INBOUND_BYTES + 1],
    [50_000_000, MAX_INBOUND_BYTES + 1],
  ] as const)('of %i bytes comes out as %i', ([length, inflated]) => {
    expect(around(length)).toBe(inflated);
    expect(around(10)).toBe(10);
  });

  test('what does not compress at all', () => {
    for (const length of [MAX_INBOUND_BYTES, MAX_INBOUND_BYTES + 1, MAX_INBOUND_BYTES + 2]) {
      const payload = deflatedByPeer(randomBytes(length));
      expect(compression.inflate(payload)).toHaveLength(Math.min(length, MAX_INBOUND_BYTES + 1));
    }
  });

  test('a bomb is not read to its end', () => {
    // Whoever read as far as what follows the zeros would find it malformed.
    const bomb = deflatedByPeer(Buffer.alloc(1_000_000));
    const payload = Buffer.concat([bomb, Buffer.alloc(100, 0xff)]);
    expect(() => inflateRawSync(payload)).toThrow('invalid');
    expect(bomb.length).toBeLessThan(1_024);
    for (let i = 0; i < 20; i += 1) expect(compression.inflate(payload)).toHaveLength(MAX_INBOUND_BYTES + 1);
  });
});

describe('malformed data', () => {
  test.for(MALFORMED.map((payload) => [payload.toString('hex').slice(0, 20), payload] as const))(
    '%s is an error, many times in a row, and the next message is read',
    ([, payload]) => {
      const message = Buffer.alloc(300, 'what comes next');
      for (let i = 0; i < 200; i += 1) {
        expect(() => compression.inflate(payload)).toThrow(Error);
        expectSame(compression.inflate(deflatedByPeer(message)), message);
        for (let j = 0; j < i % 3; j += 1) expect(() => compression.inflate(payload)).toThrow(Error);
      }
      const deflated = compression.deflate(message);
      expectSame(deflated && inflatedByPeer(deflated), message);
    },
  );

  test('is accepted where zlib itself accepts it, whatever came before', () => {
    const anyPayload = fc.oneof(
      anyInbound.map((message) => deflatedByPeer(message)),
      anyInbound.map((message) => deflatedByPeer(Buffer.concat([message, Buffer.alloc(MAX_INBOUND_BYTES)]))),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom(...MALFORMED),
      fc.tuple(anyInbound, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([message, place, change]) => {
        const payload = deflatedByPeer(message);
        const at = place % payload.length;
        payload[at] = (payload[at] ?? 0) ^ change;
        return payload;
      }),
    );
    fc.assert(
      fc.property(fc.array(anyPayload, { maxLength: 12 }), (payloads) => {
        for (const payload of payloads) {
          const [message, expected] = [judged(inflate, payload), judged(inflatedAlone, payload)];
          // What is too long is not read to where it may be malformed.
          if (message === 'too long' && expected === 'malformed') continue;
          expect(message).toEqual(expected);
        }
      }),
      { numRuns: 300 },
    );
  });

  const inflate = (payload: Buffer) => compression.inflate(payload);

  /** By a state that is set up for this one. */
  const inflatedAlone = (payload: Buffer) =>
    inflateRawSync(Buffer.concat([payload, TAIL]), { finishFlush: constants.Z_SYNC_FLUSH });

  function judged(run: (payload: Buffer) => Buffer, payload: Buffer): string {
    try {
      const message = run(payload);
      return message.length > MAX_INBOUND_BYTES ? 'too long' : message.toString('hex');
    } catch {
      return 'malformed';
    }
  }
});

test('states outlive the streams that they were taken from, and end with their owner', () => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('no garbage collection on demand');
  const message = Buffer.alloc(2_000, 'again and again, ');
  for (let i = 0; i < 20; i += 1) {
    const one = new Compression({ thresholdBytes: 0, level: 1 + (i % 9), maxInboundBytes: 10_000 });
    expect(one.isReusingStates).toBe(true);
    expect(() => one.inflate(Buffer.from([0xff]))).toThrow(Error);
    collect();
    const payload = one.deflate(message);
    expectSame(payload && one.inflate(payload), message);
    const kept = compression.deflate(message);
    expectSame(kept && compression.inflate(kept), message);
  }
});
