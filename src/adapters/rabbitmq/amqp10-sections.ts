/**
 * Reads the sections of AMQP 1.0 messages that RabbitMQ hands to consumers of AMQP 0-9-1 as they were encoded: the
 * application properties (RabbitMQ 3 puts them into one header), and bodies other than one section of data. What cannot
 * be read is undefined; nothing is thrown, whatever the bytes are.
 */
import { isUtf8 } from 'node:buffer';

/** The header in which the AMQP 1.0 plugin of RabbitMQ 3 keeps the application properties. */
export const APP_PROPERTIES_HEADER = 'x-amqp-1.0-app-properties';

/** The property `type` of messages whose body RabbitMQ left encoded. */
export const ENCODED_BODY_TYPE = 'amqp-1.0';

const [APP_PROPERTIES, DATA, VALUE, FOOTER] = [0x74, 0x75, 0x77, 0x78];
const [DESCRIBED, SMALL_ULONG, ULONG, SMALL_MAP, MAP] = [0x00, 0x53, 0x80, 0xc1, 0xd1];

interface Section {
  readonly code: number;
  readonly value: Value;
}

interface Value {
  /** The byte that tells its type, and how its size is written. */
  readonly format: number;
  /** Where its own bytes begin, behind the format and the size. */
  readonly at: number;
  readonly end: number;
}

/** The names and values of application properties: text, numbers, booleans, RFC 3339 for timestamps, else bytes. */
export function readAppProperties(bytes: unknown): readonly (readonly [string, unknown])[] | undefined {
  // A map begins with a byte that no UTF-8 has there, so that the header is never read as text.
  if (!Buffer.isBuffer(bytes)) return undefined;
  const [section, more] = sectionsIn(bytes) ?? [];
  if (section === undefined || more !== undefined || section.code !== APP_PROPERTIES) return undefined;
  const { format, at, end } = section.value;
  if (format !== SMALL_MAP && format !== MAP) return undefined;
  const entries: [string, unknown][] = [];
  for (let next = at + (format === MAP ? 4 : 1); next < end; ) {
    const name = valueAt(bytes, next, end);
    const value = name === undefined ? undefined : valueAt(bytes, name.end, end);
    if (name === undefined || value === undefined) return undefined;
    const key = scalar(bytes, name);
    if (typeof key !== 'string') return undefined;
    entries.push([key, scalar(bytes, value)]);
    next = value.end;
  }
  return entries;
}

/** The bytes of a body that is data, or one value of text or bytes. */
export function readEncodedBody(bytes: Buffer): Buffer | undefined {
  const sections = sectionsIn(bytes)?.filter(({ code }) => code !== FOOTER);
  if (sections === undefined || sections.length === 0) return undefined;
  const contents = sections.map(({ value }) => bytes.subarray(value.at, value.end));
  const areBytes = (formats: readonly number[]) =>
    sections.every(({ value }) => formats.includes(value.format));
  if (sections.every(({ code }) => code === DATA) && areBytes([0xa0, 0xb0])) return Buffer.concat(contents);
  const isValue = sections.length === 1 && sections[0]?.code === VALUE;
  return isValue && areBytes([0xa0, 0xb0, 0xa1, 0xb1]) ? contents[0] : undefined;
}

/** Whether the bytes begin as a section does. A producer of AMQP 0-9-1 may write any type to its message. */
export function beginsAsSection(bytes: Buffer): boolean {
  return bytes[0] === DESCRIBED && (bytes[1] === SMALL_ULONG || bytes[1] === ULONG);
}

/** Undefined when they do not fill the bytes. */
function sectionsIn(bytes: Buffer): readonly Section[] | undefined {
  const sections: Section[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (!beginsAsSection(bytes.subarray(at, at + 2))) return undefined;
    const isSmall = bytes[at + 1] === SMALL_ULONG;
    const valueStart = at + (isSmall ? 3 : 10);
    if (valueStart >= bytes.length) return undefined;
    // Codes are the same number in either form; all known ones fit into a byte.
    const code = isSmall ? (bytes[at + 2] ?? 0) : Number(bytes.readBigUInt64BE(at + 2));
    const value = valueAt(bytes, valueStart, bytes.length);
    if (value === undefined) return undefined;
    sections.push({ code, value });
    at = value.end;
  }
  return sections;
}

/** The first digit of a format tells how many bytes a value has, or how many say so. */
const FIXED_BYTES = new Map([
  [0x4, 0],
  [0x5, 1],
  [0x6, 2],
  [0x7, 4],
  [0x8, 8],
  [0x9, 16],
]);

function valueAt(bytes: Buffer, from: number, end: number): Value | undefined {
  const format = bytes[from];
  if (format === undefined || from >= end) return undefined;
  const kind = format >> 4;
  const fixed = FIXED_BYTES.get(kind);
  if (fixed !== undefined) return within({ format, at: from + 1, end: from + 1 + fixed }, end);
  if (kind < 0xa) return undefined;
  const sizeBytes = kind % 2 === 0 ? 1 : 4;
  const at = from + 1 + sizeBytes;
  if (at > end) return undefined;
  return within({ format, at, end: at + bytes.readUIntBE(from + 1, sizeBytes) }, end);
}

function within(value: Value, end: number): Value | undefined {
  return value.end <= end ? value : undefined;
}

/** What has no counterpart in JSON stays bytes. */
function scalar(bytes: Buffer, { format, at, end }: Value): unknown {
  switch (format) {
    case 0x40:
      return null;
    case 0x41:
      return true;
    case 0x42:
      return false;
    case 0x43:
    case 0x44:
      return 0;
    case 0x50:
    case 0x52:
    case 0x53:
    case 0x60:
    case 0x70:
      return bytes.readUIntBE(at, end - at);
    case 0x51:
    case 0x54:
    case 0x55:
    case 0x61:
    case 0x71:
      return bytes.readIntBE(at, end - at);
    case 0x56:
      return bytes[at] === 1;
    case 0x72:
      return bytes.readFloatBE(at);
    case 0x80:
      return safely(bytes.readBigUInt64BE(at));
    case 0x81:
      return safely(bytes.readBigInt64BE(at));
    case 0x82:
      return bytes.readDoubleBE(at);
    case 0x83:
      return momentText(Number(bytes.readBigInt64BE(at)));
    case 0xa1:
    case 0xb1:
    case 0xa3:
    case 0xb3:
      // Two texts that are not UTF-8 would become one.
      return isUtf8(bytes.subarray(at, end)) ? bytes.toString('utf8', at, end) : bytes.subarray(at, end);
    default:
      return bytes.subarray(at, end);
  }
}

function safely(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

function momentText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}
