/** The body of an AMQP message as its producer meant it: without AMQP 1.0's encoding, and decompressed within a bound. */
import { gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import type { MessageProperties } from 'amqplib';
import {
  beginsAsSection,
  ENCODED_BODY_TYPE,
  readEncodedBody,
} from '../../adapters/rabbitmq/amqp10-sections.ts';
import { type Read, refuse } from '../../contract/refusal.ts';
import { visible } from '../../contract/visible.ts';

export type Encoded = Partial<Pick<MessageProperties, 'contentEncoding' | 'type'>>;

/** Of text, which many clients name in this property. Text MUST be UTF-8 whatever it says. */
const CHARSET =
  /^(?:utf-?\d+|(?:us-)?ascii|iso-?8859-?\d+|latin-?\d|windows-?\d+|cp-?\d+|7bit|8bit|binary|identity)?$/;

type Decompress = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Buffer;

const COMPRESSIONS = new Map<string, Decompress>([
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  ['deflate', inflateEither],
]);

/** @param maxBytes of the body when it is decompressed */
export function contentOf(body: Buffer, { contentEncoding, type }: Encoded, maxBytes: number): Read<Buffer> {
  const plain = type === ENCODED_BODY_TYPE && beginsAsSection(body) ? readEncodedBody(body) : body;
  if (plain === undefined) {
    const what = 'an AMQP 1.0 body must be one or more sections of data, or one value of text or bytes';
    return refuse('unsupported_media_type', what);
  }
  if (contentEncoding === undefined) return { ok: true, value: plain };
  return decompressed(plain, String(contentEncoding), maxBytes);
}

function decompressed(body: Buffer, encoding: string, maxBytes: number): Read<Buffer> {
  // Spring names the charset behind the compression, with a colon or a comma.
  const named = encoding
    .toLowerCase()
    .split(/[,:]/)
    .map((part) => part.trim());
  const [name, more] = named.filter((part) => !CHARSET.test(part));
  if (name === undefined) return { ok: true, value: body };
  const decompress = COMPRESSIONS.get(name);
  if (decompress === undefined || more !== undefined) {
    const shown = visible(encoding.slice(0, 64));
    return refuse('unsupported_media_type', `content encoding "${shown}": send gzip, deflate or none`);
  }
  try {
    return { ok: true, value: decompress(body, { maxOutputLength: maxBytes }) };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code === 'ERR_BUFFER_TOO_LARGE') {
      return refuse('too_large', `decompressed it has more than ${maxBytes} bytes`);
    }
    if (!String(error.code).startsWith('Z_')) throw error;
    return refuse('invalid_event', `the body is not ${name}, as its content encoding says: ${error.message}`);
  }
}

/** Some leave out the header that deflate has as a content encoding (RFC 9110). */
function inflateEither(bytes: Buffer, options: { readonly maxOutputLength: number }): Buffer {
  const isZlib = bytes.length >= 2 && ((bytes[0] ?? 0) & 0x0f) === 8 && bytes.readUInt16BE(0) % 31 === 0;
  return isZlib ? inflateSync(bytes, options) : inflateRawSync(bytes, options);
}
