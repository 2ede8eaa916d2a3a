/**
 * Puts our reader of content headers in the place of amqplib's, which is recursive without a bound and throws at what
 * it does not know: one message would close the link, come again with the next, and close that too, for ever.
 *
 * The members of amqplib's connection that are used here are not public: this is the one file that touches them. The
 * version is pinned exactly, and a contract test fails when an upgrade moves them.
 */
import type { ChannelModel } from 'amqplib';
import { readContentHeader } from './amqp-properties.ts';

/** Of amqplib's `Connection`. */
interface Frames {
  /** What has come and is not read yet. */
  rest: Buffer;
  /** For the heartbeat. */
  recvSinceLastCheck: boolean;
  /** The most bytes of a frame that comes; 0 for any number. */
  readonly maxFrameSize: number;
  /** The most bytes of a frame that RabbitMQ takes. */
  readonly frameMax: number;
  readonly stream: { read(): Buffer | null };
  /** The next frame, decoded; false when there is no whole one. */
  recvFrame(): unknown;
}

const HEADER_FRAME = 2;
const FRAME_END = 0xce;
/** Type, channel, and the payload's size; one byte is behind the payload. */
const FRAME_HEADER_BYTES = 7;
const BASIC = 60;

/**
 * MUST be called before a message can come.
 *
 * @throws when the installed amqplib is another one
 */
export function readHeadersSafely({ connection }: Pick<ChannelModel, 'connection'>): void {
  const frames = framesOf(connection);
  const recvFrame = frames.recvFrame.bind(frames);
  frames.recvFrame = () => {
    // Other frames are amqplib's. When one has not come whole, amqplib reads on and comes back here.
    while (frames.rest.length < FRAME_HEADER_BYTES || frames.rest[0] === HEADER_FRAME) {
      const { rest } = frames;
      const size = rest.length < FRAME_HEADER_BYTES ? FRAME_HEADER_BYTES : frameSize(rest);
      // Amqplib says what is wrong with a frame that is none.
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

/** The most bytes of a frame on this connection. */
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
