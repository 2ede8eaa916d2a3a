/**
 * A text message as the WebSocket frames that carry it (RFC 6455, section 5.2), encoded once for any number of
 * sockets.
 */
import type { Compression } from './compression.ts';
import { Chunk } from './pending.ts';

const FIN = 0x80;
const RSV1_COMPRESSED = 0x40;
const TEXT = 0x01;
const BINARY = 0x02;

export class Frame {
  readonly #message: Buffer;
  #plain: Buffer | undefined;
  #deflated: Buffer | undefined;
  #text: string | undefined;
  #chunk: Chunk | undefined;

  /** `message`: an Engine.IO packet, UTF-8. */
  constructor(message: Buffer) {
    this.#message = message;
  }

  /** The text, decoded once for all polling clients. */
  get text(): string {
    this.#text ??= this.#message.toString();
    return this.#text;
  }

  /** The text as a chunk, to be counted while it waits for a polling client. */
  get chunk(): Chunk {
    this.#chunk ??= new Chunk(this.#message.length);
    return this.#chunk;
  }

  get plain(): Buffer {
    this.#plain ??= textFrame(this.#message);
    return this.#plain;
  }

  /** The frame, compressed if that saves bytes. A caller MUST pass the same compression each time. */
  deflated(compression: Compression): Buffer {
    this.#deflated ??= deflatedTextFrame(this.#message, compression) ?? this.plain;
    return this.#deflated;
  }
}

export function textFrame(message: Buffer): Buffer {
  return encode(FIN | TEXT, message);
}

export function binaryFrame(message: Uint8Array): Buffer {
  return encode(FIN | BINARY, message);
}

export function deflatedTextFrame(message: Buffer, compression: Compression): Buffer | undefined {
  const payload = compression.deflate(message);
  return payload === undefined ? undefined : encode(FIN | RSV1_COMPRESSED | TEXT, payload);
}

/** Puts header and payload into one buffer: two buffers would take two writes, or a copy for each socket. */
function encode(firstByte: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const headerBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerBytes + length);
  frame[0] = firstByte;
  if (headerBytes === 2) {
    frame[1] = length;
  } else if (headerBytes === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.set(payload, headerBytes);
  return frame;
}
