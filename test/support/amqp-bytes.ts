/** AMQP field tables and content headers byte by byte, valid or not. */

export type Field = readonly [name: string | Uint8Array, value: Uint8Array];

const uint32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** Text or bytes, with their length before them. */
export const long = (content: string | Uint8Array) => {
  const bytes = Buffer.from(content);
  return Buffer.concat([uint32(bytes.length), bytes]);
};

/** At most 255 bytes. */
const short = (content: string | Uint8Array) => {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
};

/** A value with the tag of its type before it. */
export const tagged = (tag: string, ...content: readonly Uint8Array[]) =>
  Buffer.concat([Buffer.from(tag, 'latin1'), ...content]);

export const text = (content: string | Uint8Array) => tagged('S', long(content));
export const int = (value: number) => tagged('I', uint32(value));
export const int64 = (value: bigint) => eight('l', (bytes) => bytes.writeBigInt64BE(value));
export const timestamp = (seconds: bigint) => eight('T', (bytes) => bytes.writeBigUInt64BE(seconds));
export const double = (value: number) => eight('d', (bytes) => bytes.writeDoubleBE(value));
export const nothing = tagged('V');
export const array = (...values: readonly Uint8Array[]) => tagged('A', long(Buffer.concat(values)));
export const table = (...fields: readonly Field[]) => tagged('F', long(fieldsOf(fields)));

function eight(tag: string, write: (bytes: Buffer) => void) {
  const bytes = Buffer.alloc(8);
  write(bytes);
  return tagged(tag, bytes);
}

const fieldsOf = (fields: readonly Field[]) =>
  Buffer.concat(fields.flatMap(([name, value]) => [short(name), value]));

export function nestedTables(levels: number): Buffer {
  let fields = Buffer.alloc(0);
  for (let i = 0; i < levels; i += 1) fields = Buffer.concat([short('a'), tagged('F', long(fields))]);
  return tagged('F', long(fields));
}

export function nestedArrays(levels: number): Buffer {
  let values = Buffer.alloc(0);
  for (let i = 0; i < levels; i += 1) values = tagged('A', long(values));
  return values;
}

export interface PropertyBytes {
  readonly contentType?: string | Uint8Array;
  readonly contentEncoding?: string | Uint8Array;
  readonly headers?: readonly Field[];
  /** 1 or 2. */
  readonly deliveryMode?: number;
  readonly priority?: number;
  readonly messageId?: string | Uint8Array;
  readonly timestamp?: bigint;
}

/**
 * The part of a content header behind the body's size: the flags, then the values that they announce, in this order.
 */
export function propertiesOf(given: PropertyBytes): Buffer {
  const parts: Buffer[] = [];
  let flags = 0;
  const put = (flag: number, bytes: Buffer | undefined) => {
    if (bytes === undefined) return;
    flags |= flag;
    parts.push(bytes);
  };
  const shortOf = (value: string | Uint8Array | undefined) =>
    value === undefined ? undefined : short(value);
  const octet = (value: number | undefined) => (value === undefined ? undefined : Buffer.of(value));
  put(0x8000, shortOf(given.contentType));
  put(0x4000, shortOf(given.contentEncoding));
  put(0x2000, given.headers === undefined ? undefined : long(fieldsOf(given.headers)));
  put(0x1000, octet(given.deliveryMode));
  put(0x0800, octet(given.priority));
  put(0x0080, shortOf(given.messageId));
  put(0x0040, given.timestamp === undefined ? undefined : timestamp(given.timestamp).subarray(1));
  return Buffer.concat([Buffer.of(flags >> 8, flags & 0xff), ...parts]);
}

/** The payload of a content header frame. */
export function contentHeader(properties: Uint8Array, bodyBytes = 0): Buffer {
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(bodyBytes));
  return Buffer.concat([Buffer.of(0, 60, 0, 0), size, properties]);
}
