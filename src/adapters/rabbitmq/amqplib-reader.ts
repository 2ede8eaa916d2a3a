/**
 * Replaces amqplib's reader of content headers, which recurses without a limit and throws at what it does not know.
 * One such message would close the link, be delivered again, and close it again, for ever.
 *
 * The members of amqplib's connection that this uses are not public: this is the one file that touches them. The
 * version is pinned exactly, and a contract test fails when an upgrade moves them.
 */
import type { ChannelModel } from 'amqplib';
import { readContentHeader } from './amqp-properties.ts';

/** What this uses of amqplib's `Connection`. */
interface Frames {
  /** Bytes that arrived and are not read yet. */
  rest: Buffer;
  /** amqplib's heartbeat reads this. */
  recvSinceLastCheck: boolean;
  /** Largest frame that is accepted; 0 for any size. */
  readonly maxFrameSize: number;
  /** Largest frame that RabbitMQ accepts. */
  readonly frameMax: number;
  readonly stream: { read(): Buffer | null };
  /** The next frame, decoded; false when none is complete. */
  recvFrame(): unknown;
}

const HEADER_FRAME = 2;
const FRAME_END = 0xce;
/** Type, channel and the payload's size. One more byte follows the payload. */
const FRAME_HEADER_BYTES = 7;
const BASIC = 60;

/**
 * MUST be called before a message can arrive.
 *
 * @throws when the installed amqplib has another form
 */
export function readHeadersSafely({ connection }: Pick<ChannelModel, 'connection'>): void {
  const frames = framesOf(connection);
  const recvFrame = frames.recvFrame.bind(frames);
  frames.recvFrame = () => {
    // amqplib reads all other frames. If one is incomplete, it reads on and calls this again.
    while (frames.rest.length < FRAME_HEADER_BYTES || frames.rest[0] === HEADER_FRAME) {
      const { rest } = frames;
      const size = rest.length < FRAME_HEADER_BYTES ? FRAME_HEADER_BYTES : frameSize(rest);
      // amqplib reports an invalid frame.
      if (size > frames.maxFrameSize && frames.maxFrameSize > 0) break;
      if (rest.length >= FRAME_HEADER_BYTES && rest.length >= size) {
        if (rest[size - 1] !== FRAME_END) break;
        frames.rest = rest.subarray(size);
        const { bodyBytes, properties } = readContentHeader(rest.subarray(FRAME_HEADER_BYTES, size - 1));
        return { id: BASIC, channel: rest.readUInt16BE(1), size: bodyBytes, fields: properties };
      }
      const more = frames.stream.read();
      if (more === null) return false;
      frames.recvSinceLastCheck = true;
      frames.rest = rest.length === 0 ? more : Buffer.concat([rest, more]);
    }
    return recvFrame();
  };
}

/** Largest frame on this connection. */
export function frameMaxOf({ connection }: Pick<ChannelModel, 'connection'>): number {
  return framesOf(connection).frameMax;
}

function frameSize(bytes: Buffer): number {
  return FRAME_HEADER_BYTES + bytes.readUInt32BE(3) + 1;
}

function framesOf(connection: unknown): Frames {
  if (!hasFrames(connection)) throw new Error('the installed amqplib reads frames in another way');
  return connection;
}

function hasFrames(connection: unknown): connection is Frames {
  return (
    typeof connection === 'object' &&
    connection !== null &&
    'recvFrame' in connection &&
    typeof connection.recvFrame === 'function' &&
    'rest' in connection &&
    Buffer.isBuffer(connection.rest) &&
    'recvSinceLastCheck' in connection &&
    typeof connection.recvSinceLastCheck === 'boolean' &&
    'maxFrameSize' in connection &&
    typeof connection.maxFrameSize === 'number' &&
    'frameMax' in connection &&
    typeof connection.frameMax === 'number' &&
    'stream' in connection
  );
}
