/** The installed amqplib's own reader and writer of content headers, which it does not export, to compare with. */
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
/** Before the payload, which one byte follows. */
const FRAME_HEADER_BYTES = 7;
/** Class, weight and size, before the flags. */
const FLAGS_AT = 12;

export const amqplibProperties = {
  /** The payload of the frame. Throws at what amqplib cannot write. */
  encode: (properties: Options.Publish, bodyBytes = 0) =>
    definitions.encodeProperties(BASIC, 1, bodyBytes, properties).subarray(FRAME_HEADER_BYTES, -1),
  decode: (payload: Buffer) => definitions.decode(BASIC, payload.subarray(FLAGS_AT)),
};
