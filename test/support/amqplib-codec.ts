/** amqplib's own reader and writer of content headers, for comparison. amqplib does not export them. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { MessageProperties, Options } from 'amqplib';

interface Definitions {
  readonly encodeProperties: (
    id: number,
    channel: number,
    bodyBytes: number,
    properties: Options.Publish,
  ) => Buffer;
  readonly decode: (id: number, bytes: Buffer) => MessageProperties;
}

const require = createRequire(import.meta.url);
const definitions: Definitions = require(join(dirname(require.resolve('amqplib')), 'lib', 'defs.js'));

const BASIC = 60;
/** Bytes before a frame's payload; one byte follows the payload. */
const FRAME_HEADER_BYTES = 7;
/** Class, weight and size stand before the flags. */
const FLAGS_AT = 12;

export const amqplibProperties = {
  /** Returns the frame's payload. Throws if amqplib cannot write it. */
  encode: (properties: Options.Publish, bodyBytes = 0) =>
    definitions.encodeProperties(BASIC, 1, bodyBytes, properties).subarray(FRAME_HEADER_BYTES, -1),
  decode: (payload: Buffer) => definitions.decode(BASIC, payload.subarray(FLAGS_AT)),
};
